using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NsBridge.Base;
using NsBridge.Bridges;

namespace NsBridge.Commands.Demo;

/// <param name="Once">Try the bridge, clean up and end.</param>
internal sealed record DemoOptions(bool Once);

/// <summary><c>nsbridge demo</c>: the main job with nothing configured; <c>--once</c> tries it itself.</summary>
internal static class DemoCommand
{
    /// <summary>The port of the README's example; another one if it is taken.</summary>
    private const int FirstPort = 3003;

    private static readonly TimeSpan s_fetchDeadline = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(DemoOptions options, CancellationToken stop)
    {
        var address = new IPEndPoint(IPAddress.Loopback, FreePort());
        await using DemoScene scene = await DemoScene.StartAsync(address, stop);
        await Console.Out.WriteLineAsync(scene.Description);
        return options.Once ? await TryAsync(address, scene, stop) : await WaitAsync(address, scene, stop);
    }

    private static async Task<int> WaitAsync(IPEndPoint address, DemoScene scene, CancellationToken stop)
    {
        await Console.Out.WriteLineAsync(
            $"""
            Try it from another terminal, or open it in a browser:

              curl http://{address}/

            Ctrl-C ends the demo and leaves nothing behind.
            """);
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        BridgeReport report = scene.Reports.Snapshot()[0];
        string clients = report.Total == 1 ? "1 client" : $"{report.Total} clients";
        await Console.Out.WriteLineAsync($"\nThe bridge served {clients}. Everything is removed again.");
        return ExitCode.Success;
    }

    private static async Task<int> TryAsync(IPEndPoint address, DemoScene scene, CancellationToken stop)
    {
        await Console.Out.WriteLineAsync($"  curl http://{address}/\n");
        var clock = Stopwatch.StartNew();
        string page = await FetchAsync(address, stop);
        clock.Stop();
        if (!page.Contains(DemoWebServer.Greeting, StringComparison.Ordinal))
        {
            string reason = scene.Reports.Snapshot()[0].Reason;
            string why = reason.Length > 0 ? $": {reason}" : "";
            await Console.Error.WriteLineAsync($"nsbridge demo: the page did not come through the bridge{why}");
            return ExitCode.Failed;
        }

        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"It answered in {clock.Elapsed.TotalMilliseconds:0.0} ms with {page.Length} bytes: \"{DemoWebServer.Greeting}\".\n")
            + "The bridge works. Everything is removed again.");
        return ExitCode.Success;
    }

    /// <returns>The whole answer; empty if there is none.</returns>
    private static async Task<string> FetchAsync(IPEndPoint address, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_fetchDeadline);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address, limit.Token);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"), limit.Token);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            return await reader.ReadToEndAsync(limit.Token);
        }
        catch (Exception exception) when (
            exception is SocketException or IOException || (exception is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return "";
        }
    }

    private static int FreePort()
    {
        foreach (int port in (ReadOnlySpan<int>)[FirstPort, 0])
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return ((IPEndPoint)probe.LocalEndPoint!).Port;
            }
            catch (SocketException)
            {
                // It is taken.
            }
        }

        throw new UserErrorException("nsbridge demo: no port of 127.0.0.1 is free", ExitCode.Failed);
    }
}
