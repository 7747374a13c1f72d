using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Operations.Systemd;
using NsBridge.Relaying;
using NsBridge.Restart;
using NsBridge.Testing;
using NsBridge.UnitTests.Configuration;
using NsBridge.UnitTests.Restart;

namespace NsBridge.UnitTests.Bridges;

/// <summary>Which connections of the process before go on, and until when.</summary>
[NonParallelizable]
internal sealed class BridgeSuccessionTests
{
    private const string RuntimeVariable = "XDG_RUNTIME_DIR";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly string? _runtimeBefore = Environment.GetEnvironmentVariable(RuntimeVariable);
    private string _runtime = null!;
    private SystemdSockets _sockets = null!;
    private BridgeEngine _engine = null!;

    [SetUp]
    public void MakeEngine()
    {
        _runtime = Directory.CreateTempSubdirectory("nsbridge-").FullName;
        Environment.SetEnvironmentVariable(RuntimeVariable, _runtime);
        _sockets = SystemdSockets.Adopt([]);
        _engine = new BridgeEngine(1, mayRing: false, _sockets, NullLoggerFactory.Instance);
    }

    [TearDown]
    public void EndEngine()
    {
        _engine.Kept.CloseRest();
        _engine.Dispose();
        _sockets.Dispose();
        Environment.SetEnvironmentVariable(RuntimeVariable, _runtimeBefore);
        Directory.Delete(_runtime, recursive: true);
    }

    [Test]
    public async Task Namespace_IsNotKnownYet_ConnectionsGoOnUntilTheFirstAnswer()
    {
        // An engine that is being started: its socket is there, and nobody behind it.
        using var api = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        api.Bind(new UnixDomainSocketEndPoint(Path.Combine(_runtime, "docker.sock")));
        using Bridge bridge = await StartAsync("container:web");
        CarriedConnection connection = CarriedPair.Make(EndKind.Unix, NetworkNamespace.OwnCookie, out int clientsPeer, out int targetsPeer);

        Assert.That(await bridge.ResumeAsync([connection]), Is.Empty);
        Libc.Write(clientsPeer, "ping"u8);
        await Eventually.TrueAsync(() => Libc.Receive(targetsPeer, new byte[4]) == 4, Soon, "relayed");

        api.Listen();
        using Socket question = await api.AcceptAsync();
        await question.ReceiveAsync(new byte[4096]);
        Assert.That(Libc.Receive(clientsPeer, new byte[1]), Is.EqualTo(-(nint)(int)Errno.EAGAIN), "goes on");
        await question.SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"u8.ToArray());
        question.Close();
        await Eventually.TrueAsync(() => Libc.Receive(clientsPeer, new byte[1]) == 0, Soon, "ended");

        await bridge.StopAsync(CancellationToken.None);
        Libc.Close(clientsPeer);
        Libc.Close(targetsPeer);
    }

    private async Task<Bridge> StartAsync(string inside)
    {
        var bridge = new Bridge(
            LoadedText.Right(string.Create(CultureInfo.InvariantCulture, $""" "Name":"web", "Socket":"{_runtime}/web.sock", "Namespace":"{inside}", "Target":"127.0.0.1:3000" """)).Bridges[0],
            _engine);
        await bridge.StartAsync(CancellationToken.None);
        return bridge;
    }
}
