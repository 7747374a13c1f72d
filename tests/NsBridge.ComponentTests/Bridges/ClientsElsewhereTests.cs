using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>An outer half alone that stops, while another fleet serves its clients.</summary>
internal sealed class ClientsElsewhereTests
{
    private static readonly byte[] s_hello = Pattern.Take(100);

    [Test]
    public async Task Stop_ClientWhomAnotherHasTakenOver_IsNotWaitedForAndLivesOn()
    {
        using var scratch = new ScratchDirectory();
        await using var server = TargetServer.Start(FleetScene.Listener(), Serve.Echo);
        await using var inner = new FleetScene();
        await inner.StartAsync(LoadedText.Right(
            $""" "Name":"inner", "Socket":"{scratch["web.sock"]}", "Namespace":"host", "Target":"{server.EndPoint}" """));
        int port = HostSockets.FreePort();
        await using var outer = new FleetScene();
        await outer.StartAsync(LoadedText.Right(string.Create(CultureInfo.InvariantCulture,
            $""" "Name":"outer", "Listen":"127.0.0.1:{port}", "Socket":"{scratch["web.sock"]}", "Join":"handoff" """)));
        using Socket client = await TestClient.TcpAsync(new IPEndPoint(IPAddress.Loopback, port));
        await client.EchoAsync(s_hello);
        var clock = Stopwatch.StartNew();

        await outer.StopAsync();

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        Assert.That(outer.Log.Lines, Has.None.StartsWith("Stopping."));
        await client.EchoAsync(s_hello);
    }
}
