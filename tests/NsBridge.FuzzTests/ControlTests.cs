using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Control;
using NsBridge.Testing;

namespace NsBridge.FuzzTests;

/// <summary>The control socket answers its requests, and nothing else.</summary>
internal sealed class ControlTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private static readonly byte[][] s_requests =
    [
        "status\n"u8.ToArray(), "connections web\n"u8.ToArray(), "end id 1 2\n"u8.ToArray(), "end bridge web\n"u8.ToArray(),
        "end client 10.0.0.0/8\n"u8.ToArray(),
    ];

    [Test]
    public async Task Control_AskedAnyBytes_AnswersJsonOrNothing()
    {
        using var scratch = new ScratchDirectory();
        var settings = new DaemonSettings { RuntimeDirectory = scratch["run"], ShutdownTimeout = TimeSpan.Zero, Bridges = [] };
        var loader = new ConfigurationLoader("/etc/other.json", new Dictionary<string, string>());
        await using var control = new ControlSocket(settings, loader, new Nothing(), new Nothing(), NullLogger<ControlSocket>.Instance);
        await control.StartAsync(default);
        await Fuzz.RunAsync(Fuzz.Damaged(s_requests), async request =>
        {
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(settings.ControlSocket));
            await using var stream = new NetworkStream(client, ownsSocket: false);
            var answer = new MemoryStream();
            try
            {
                await client.SendAsync(request);
                client.Shutdown(SocketShutdown.Send);
                await stream.CopyToAsync(answer).WaitAsync(s_deadline);
            }
            catch (Exception fault) when (fault is IOException or SocketException)
            {
                // Closed before it had read everything.
            }

            if (answer.Length > 0)
                JsonDocument.Parse(answer.ToArray()).Dispose();
            else
                Assert.That(request, Is.Not.EqualTo(s_requests[0]));
        });
    }

    private sealed class Nothing : IBridgeReports, IBridgeConnections
    {
        public IReadOnlyList<BridgeReport> Snapshot() => [];

        public Task<IReadOnlyList<(BridgeSettings Bridge, IReadOnlyList<ConnectionReport> Connections)>> ConnectionsAsync(string? bridge) =>
            Task.FromResult<IReadOnlyList<(BridgeSettings, IReadOnlyList<ConnectionReport>)>>([]);

        public Task<int> EndAsync(string? bridge, ConnectionFilter filter) => Task.FromResult(0);
    }
}
