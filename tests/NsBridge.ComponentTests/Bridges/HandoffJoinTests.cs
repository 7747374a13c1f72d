using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Lifecycle;
using NsBridge.ComponentTests.Relaying.Tcp;
using NsBridge.Fixtures;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Clients of an outer half who wait for an inner one.</summary>
[TestFixture, LeaksNothing, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class HandoffJoinTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly ScratchDirectory _scratch = new();
    private readonly ActivationSockets _sockets = ActivationSockets.Adopt([]);
    private readonly List<Socket> _clients = [];
    private BridgeParts _parts = null!;
    private Bridge _bridge = null!;
    private HandoffJoin _join = null!;

    private EventLoop Loop => _parts.Loop;

    [Test]
    public async Task Client_WhoseInnerHalfComesBeforeTheNextAttempt_IsHandedOver()
    {
        await StartAsync(TimeSpan.Zero);
        await Eventually.TrueAsync(() => _join.Trouble is not null, s_soon, "there is no inner half");

        StreamPair client = Client();
        using var inner = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await Loop.InvokeAsync(() =>
        {
            inner.Bind(new UnixDomainSocketEndPoint(_scratch["web.sock"]));
            inner.Listen();
            Pass(client);
        });

        using Socket link = await inner.AcceptAsync();
        await link.SendAllAsync(HandoffLink.Hello.ToArray());
        Assert.That(await link.ReceiveAsync(new byte[1]).WaitAsync(s_soon), Is.EqualTo(1), "a client came");
    }

    [Test]
    public async Task Client_WhoComesWhileAnotherWaits_HasATimeOfItsOwn()
    {
        await StartAsync(TimeSpan.FromSeconds(1));
        Socket first = await PassAsync();
        await Task.Delay(700);
        Socket second = await PassAsync();
        var clock = Stopwatch.StartNew();

        Assert.That(await first.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        Assert.That(await second.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        Assert.That(clock.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(0.9)));
    }

    [TestCase("reset", true)]
    [TestCase("closed", true)]
    [TestCase("asked and closed", false)]
    public async Task Client_WhoHangsUp_KeepsNoPlaceUnlessItSaidSomething(string how, bool leaves)
    {
        await StartAsync(TimeSpan.FromMinutes(1));
        Socket client = await PassAsync();
        Socket other = await PassAsync();

        if (how == "reset")
        {
            client.Reset();
        }
        else
        {
            if (how == "asked and closed")
                await client.SendAllAsync(new byte[1]);
            client.Shutdown(SocketShutdown.Send);
        }

        if (leaves)
            await Eventually.TrueAsync(() => _bridge.Counters.Active == 1, s_soon, "its place is free");
        await Task.Delay(600);
        Assert.That(_bridge.Counters.Active, Is.EqualTo(leaves ? 1 : 2));
        Assert.That(other.Poll(0, SelectMode.SelectRead), Is.False, "who did not hang up still waits");
    }

    [Test]
    public async Task Client_WhoHasWaited_TakesTheTimeAlongToTheNextProcess()
    {
        await StartAsync(TimeSpan.FromSeconds(2));
        Socket first = await PassAsync();
        await Task.Delay(1500);

        ConnectionSnapshot carried = await Loop.InvokeAsync(() => _join.Suspend().Single());
        Assert.That(carried.Age, Is.InRange(1400, 10_000));

        _join = new HandoffJoin(_bridge, _bridge.Clients, _parts.Group, Loop);
        var clock = Stopwatch.StartNew();
        await Loop.InvokeAsync(() => _join.Pass([new AcceptedClient(carried.Relay.Client, SocketKind.Tcp, PeerAddress.Unix, 0, 0)], carried.Age));
        Assert.That(await first.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(1.9)));
    }

    [Test]
    public async Task Link_LostWhileManyClientsWait_HoldsNoTurnOfTheLoopUp()
    {
        const int clients = 8000;
        await StartAsync(TimeSpan.FromSeconds(1));
        using var inner = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        inner.Bind(new UnixDomainSocketEndPoint(_scratch["web.sock"]));
        inner.Listen();
        StreamPair one = Client();
        await Loop.InvokeAsync(() =>
        {
            for (int client = 1; client < clients; client++)
                Pass(one with { Relayed = Libc.Duplicate(one.Relayed) });
            Pass(one);
        });
        TimeSpan longest = TimeSpan.Zero;

        (await inner.AcceptAsync()).Dispose();
        inner.Dispose();
        while (_bridge.Counters.Active > 0)
        {
            var clock = Stopwatch.StartNew();
            await Loop.InvokeAsync(() => { });
            longest = longest > clock.Elapsed ? longest : clock.Elapsed;
        }

        TestContext.Out.WriteLine($"longest turn {longest.TotalMilliseconds:0} ms");
        // A turn takes a few milliseconds; the rest is for a busy machine.
        Assert.That(longest, Is.LessThan(TimeSpan.FromMilliseconds(500)));
    }

    [TearDown]
    public async Task StopAsync()
    {
        await Loop.InvokeAsync(_join.Stop);
        Assert.That(_bridge.Counters.Active, Is.Zero);
    }

    private async Task StartAsync(TimeSpan targetWait)
    {
        _parts = new BridgeParts(_sockets);
        _bridge = _parts.Factory.Create(
            LoadedText.Right(string.Create(CultureInfo.InvariantCulture,
                $""" "Name":"web", "Listen":"127.0.0.1:3003", "Socket":"{_scratch["web.sock"]}", "Join":"handoff", "TargetWait":"{targetWait}" """)).Bridges[0]);
        _join = new HandoffJoin(_bridge, _bridge.Clients, _parts.Group, Loop);
        await Loop.InvokeAsync(() => { });
    }

    private StreamPair Client()
    {
        var pair = StreamPair.Of(SocketKind.Tcp);
        _clients.Add(pair.Program);
        return pair;
    }

    private async Task<Socket> PassAsync()
    {
        StreamPair client = Client();
        await Loop.InvokeAsync(() => Pass(client));
        return client.Program;
    }

    private void Pass(StreamPair client)
    {
        Assert.That(_bridge.Clients.Admit(PeerAddress.Unix));
        _join.Pass([new AcceptedClient(client.Relayed, SocketKind.Tcp, PeerAddress.Unix, 0, 0)]);
    }

    public void Dispose()
    {
        _clients.ForEach(client => client.Dispose());
        _bridge.Dispose();
        _parts.Dispose();
        _sockets.Dispose();
        _scratch.Dispose();
    }
}
