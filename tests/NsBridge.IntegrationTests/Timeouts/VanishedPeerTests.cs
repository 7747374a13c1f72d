using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Timeouts;

/// <summary>Peers whose link is cut: no FIN, no reset and no ICMP message reports it.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class VanishedPeerTests : BridgeFixture
{
    private const long FillsEveryBuffer = 64L << 20;
    private const byte Idle = (byte)'i';
    private const byte Reading = (byte)'r';
    private const byte WindowClosed = (byte)'w';

    private static readonly TimeSpan s_keepAlive = TimeSpan.FromSeconds(1);
    private static readonly byte[] s_states = [Idle, Reading, WindowClosed];

    private TestNamespace _clients = null!;
    private TestNamespace _targets = null!;
    private string _clientLink = "";
    private string _targetLink = "";
    private TargetServer _server = null!;
    private DaemonProcess _daemon = null!;
    private IPEndPoint _listen = null!;
    private long _sent;

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Client_Vanishes_IsGoneWithinTenKeepAlivesAndTheTargetReset(string join)
    {
        await StartAsync(join, async (connection, cancel) =>
        {
            byte state = (await connection.ReceiveExactlyAsync(1, cancel))[0];
            if (state == Idle)
                await connection.ReceiveExactlyAsync(1, cancel);
            else
                await SendAsync(connection, cancel);
        });
        foreach (byte state in s_states)
        {
            Socket client = Own(await _clients.DialAsync(_listen));
            await client.SendAllAsync(new[] { state });
            if (state == Reading)
                _ = ReadAsync(client);
        }

        await CutAsync(_clients, _clientLink);

        Assert.That(_server.Resets, Is.EqualTo(s_states.Length));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Target_Vanishes_IsGoneWithinTenKeepAlivesAndTheClientReset(string join)
    {
        await StartAsync(join, async (connection, cancel) =>
        {
            byte state = (await connection.ReceiveExactlyAsync(1, cancel))[0];
            if (state == Reading)
                await ReadAsync(connection);
            await Task.Delay(Timeout.Infinite, cancel);
        });
        var endings = new List<Task<Ending>>();
        foreach (byte state in s_states)
        {
            Socket client = Own(await _clients.DialAsync(_listen));
            await client.SendAllAsync(new[] { state });
            endings.Add(state == Idle ? client.EndingAsync() : SendToResetAsync(client));
        }

        await CutAsync(_targets, _targetLink);

        Assert.That(await Task.WhenAll(endings), Is.All.EqualTo(Ending.Reset));
    }

    /// <summary>A daemon whose listener and target are beyond two veth pairs of one namespace.</summary>
    private async Task StartAsync(string join, Func<Socket, CancellationToken, Task> serve)
    {
        TestNamespace near = await NamespaceAsync();
        _clients = await NamespaceAsync();
        _targets = await NamespaceAsync();
        _clientLink = await near.LinkToAsync(_clients, "10.254.11.1/30", "10.254.11.2/30");
        _targetLink = await near.LinkToAsync(_targets, "10.254.11.5/30", "10.254.11.6/30");
        _server = Own(TargetServer.Start(_targets.Listen(new IPEndPoint(IPAddress.Parse("10.254.11.6"), 0)), serve));
        _listen = new IPEndPoint(IPAddress.Parse("10.254.11.1"), 3000);
        _daemon = await StartAsync(new BridgeEntry("far")
        {
            Listen = _listen.ToString(),
            ListenNamespace = near.Name,
            Namespace = near.Name,
            Target = _server.EndPoint.ToString(),
            Join = join,
            KeepAlive = s_keepAlive,
        });
        await _daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "it serves");
    }

    /// <summary>Cuts a link while every conversation is in its state, and waits until the daemon has none left.</summary>
    private async Task CutAsync(TestNamespace space, string link)
    {
        await Eventually.TrueAsync(() => Interlocked.Read(ref _sent) > FillsEveryBuffer, Soon, "bytes are under way");
        await WaitActiveAsync(s_states.Length);
        var clock = Stopwatch.StartNew();
        await space.IpAsync("link", "set", link, "down");
        await WaitActiveAsync(0);
        TestContext.Out.WriteLine($"gone after {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.That(clock.Elapsed, Is.LessThan(10 * s_keepAlive));
    }

    private Task WaitActiveAsync(int count) => _daemon.WaitStatusAsync(
        bridge => bridge.GetProperty("connections").GetProperty("active").GetInt64() == count, $"{count} connections");

    private async Task SendAsync(Socket to, CancellationToken cancel)
    {
        byte[] bytes = new byte[64 * 1024];
        while (true)
            Interlocked.Add(ref _sent, await to.SendAsync(bytes, cancel));
    }

    private async Task<Ending> SendToResetAsync(Socket to)
    {
        SocketException? error = await Assert.ThrowsAsync<SocketException>(() => SendAsync(to, default));
        return error?.SocketErrorCode == SocketError.ConnectionReset ? Ending.Reset : Ending.Closed;
    }

    private static async Task ReadAsync(Socket from)
    {
        byte[] bytes = new byte[64 * 1024];
        while (await from.ReceiveAsync(bytes) > 0)
        {
        }
    }
}
