using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Udp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Udp;

/// <summary>Flows on a real loop, between sockets on loopback.</summary>
internal sealed class FlowTableTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly List<Socket> _clients = [];
    private EventLoop _loop = null!;
    private RecordingOwner _owner = null!;
    private FlowTable _table = null!;
    private UdpListener _listener = null!;
    private IPEndPoint _listen = null!;
    private int _target;

    [SetUp]
    public async Task MakeAsync()
    {
        _loop = new EventLoop(0);
        _target = LoopbackPair.Bound();
        _owner = new RecordingOwner(_target);
        _table = new FlowTable(_loop, new RelayCounters(), _owner);
        int socket = LoopbackPair.Bound();
        Libc.LocalAddress(socket, out SockAddr address);
        _listen = address.ToEndPoint()!;
        await _loop.InvokeAsync(() =>
        {
            _listener = new UdpListener(_table, socket, 0, isSix: false);
            _listener.Start();
        });
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _loop.InvokeAsync(_listener.Stop);
        Assert.That(_table.Count, Is.Zero, "flows end with their listener");
        Assert.That(_table.Kept, Is.Zero, "what was kept is given back");
        _loop.Dispose();
        _clients.ForEach(client => client.Dispose());
        Libc.Close(_target);
    }

    [Test]
    public async Task Flow_WithoutASocket_DeliversWhatWasKeptWhenItGetsOne()
    {
        Socket client = Client();
        // While the loop is held up, so that it finds them all at once.
        await _loop.InvokeAsync(() =>
        {
            _owner.Holds = true;
            foreach (int length in (int[])[10, 0, 3000, 65_000])
                client.SendTo(new byte[length], _listen);
        });
        await UntilAsync(() => _owner.Begun.Count == 1 && _table.Kept > 0, "datagrams are kept");

        await _loop.InvokeAsync(() => _owner.Open(_owner.Begun[0]));

        // The last is beyond one flow's share.
        Assert.That(LoopbackPair.Lengths(_target), Is.EqualTo(new[] { 10, 0, 3000 }));
        Assert.That(_table.Kept, Is.Zero);
    }

    [Test]
    public async Task Header_OfAFlow_PrecedesTheFirstDatagramThatIsSent([Values] bool isKept)
    {
        Socket client = Client();
        await _loop.InvokeAsync(() =>
        {
            (_owner.Header, _owner.Holds) = (new byte[28], isKept);
            foreach (int length in (int[])[10, 10, 10, 4])
                client.SendTo(new byte[length], _listen);
        });
        await UntilAsync(() => _owner.Begun.Count == 1, "a flow");
        if (isKept)
            await _loop.InvokeAsync(() => _owner.Open(_owner.Begun[0]));
        client.SendTo(new byte[5], _listen);

        await UntilAsync(() => _owner.Begun[0].BytesToTarget == 39, "payload is counted without the header");
        Assert.That(LoopbackPair.Lengths(_target), Is.EqualTo(new[] { 38, 10, 10, 4, 5 }));
    }

    [Test]
    public async Task Header_ThatLeavesNoRoomForTheDatagram_PrecedesTheNext()
    {
        Socket client = Client();
        await _loop.InvokeAsync(() => _owner.Header = new byte[28]);
        client.SendTo(new byte[65_507], _listen);
        await UntilAsync(() => _owner.Drops.Count > 0, "the datagram is dropped");

        client.SendTo(new byte[10], _listen);

        await UntilAsync(() => _owner.Begun[0].BytesToTarget == 10, "the next is sent");
        Assert.That(LoopbackPair.Lengths(_target), Is.EqualTo(new[] { 38 }));
    }

    [Test]
    public async Task Limit_OneMore_DisplacesTheOldestNewcomerAndNoConversation()
    {
        await _loop.InvokeAsync(() => _owner.Limit = 2);
        Socket talking = Client();
        talking.SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Begun.Count == 1, "the first flow");
        await AnswerAsync(talking);
        talking.SendTo(new byte[2], _listen);
        await UntilAsync(() => _owner.Begun[0].BytesToTarget == 3, "the client has sent again");

        for (int i = 0; i < 5; i++)
            Client().SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Endings.Count == 4, "four newcomers had to go");

        Assert.That(_owner.Endings, Is.All.EqualTo(EndReason.Displaced));
        Assert.That(_owner.Begun[0].HasEnded, Is.False);
        Assert.That(_table.Count, Is.EqualTo(2));
    }

    [Test]
    public async Task Limit_ReachedByConversations_LeavesNewcomersAQuarter()
    {
        const int Limit = 8;
        await _loop.InvokeAsync(() => _owner.Limit = Limit);
        for (int i = 0; i < Limit; i++)
            await TalkAsync(Client());

        for (int i = 0; i < Limit / 2; i++)
            Client(IPAddress.Parse("127.0.0.2")).SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Begun.Count == Limit + Limit / 2, "four newcomers");

        Assert.That(await FlowsOfAsync("127.0.0.1"), Is.EqualTo(Limit - Limit / 4), "no newcomer takes more than a quarter");
        Assert.That(await FlowsOfAsync("127.0.0.2"), Is.EqualTo(Limit / 4));
    }

    [Test]
    public async Task Limit_Reached_TheClientWithTheMostLosesOne()
    {
        const int Limit = 8;
        await _loop.InvokeAsync(() => _owner.Limit = Limit);
        Client(IPAddress.Parse("127.0.0.2")).SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Begun.Count == 1, "the flow of one client");

        for (int i = 1; i <= 10 * Limit; i++)
        {
            Client().SendTo(new byte[1], _listen);
            await UntilAsync(() => _owner.Begun.Count == 1 + i, "one more flow of another");
        }

        Assert.That(await FlowsOfAsync("127.0.0.2"), Is.EqualTo(1), "the oldest flow of all has stayed");
        Assert.That(await FlowsOfAsync("127.0.0.1"), Is.EqualTo(Limit - 1));
    }

    [Test]
    public async Task LimitPerClient_Lowered_LeavesNoMoreThanThat([Values] bool byTheNextFlow)
    {
        for (int i = 0; i < 10; i++)
            Client().SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Begun.Count == 10, "ten flows of one address");

        await _loop.InvokeAsync(() => _table.LimitPerClient = 2);
        if (byTheNextFlow)
        {
            Client().SendTo(new byte[1], _listen);
            await UntilAsync(() => _owner.Begun.Count == 11, "another one");
        }
        else
        {
            await _loop.InvokeAsync(_table.ObeyLimits);
        }

        Assert.That(_table.Count, Is.EqualTo(2));
        Assert.That(_owner.Begun[^1].HasEnded, Is.False, "the newest stays");
    }

    [Test]
    public async Task IdleTimeout_Passed_EndsTheFlow()
    {
        await _loop.InvokeAsync(() => _table.IdleTimeout = 100);
        Client().SendTo(new byte[1], _listen);

        await UntilAsync(() => _owner.Endings.Count == 1, "the flow has ended");

        Assert.That(_owner.Endings, Is.EqualTo(new[] { EndReason.Idle }));
    }

    [Test]
    public async Task IdleTimeout_OfAFlowThatWaitedLonger_BeginsWhenItGetsItsSocket()
    {
        const int Timeout = 300;
        await _loop.InvokeAsync(() =>
        {
            _table.IdleTimeout = Timeout;
            _owner.Holds = true;
        });
        Client().SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Begun.Count == 1, "the flow waits");
        await Task.Delay(2 * Timeout);

        var opened = Stopwatch.StartNew();
        await _loop.InvokeAsync(() => _owner.Open(_owner.Begun[0]));
        await UntilAsync(() => _owner.Endings.Count == 1, "the flow has ended");

        // Not to the millisecond: the loop's clock is read once a turn.
        Assert.That(opened.ElapsedMilliseconds, Is.GreaterThan(Timeout / 2), "the target had that long to answer");
    }

    [Test]
    public async Task Target_ThatRefuses_FailsTheFlow()
    {
        Socket client = Client();
        client.SendTo(new byte[1], _listen);
        await UntilAsync(() => _owner.Begun.Count == 1, "the flow");
        Libc.Close(_target);
        _target = -1;
        client.SendTo(new byte[1], _listen);

        await UntilAsync(() => _owner.Failures.Count == 1, "the flow has failed");

        Assert.That(_owner.Failures, Is.EqualTo(new[] { Errno.ECONNREFUSED }));
    }

    /// <summary>The target answers the flow that sent last, and the client gets it.</summary>
    private async Task AnswerAsync(Socket client)
    {
        using var batch = new DatagramBatch();
        await Eventually.TrueAsync(() => batch.Receive(_target, 0) == 1, s_soon, "a datagram for the target");
        using var outbox = new DatagramOutbox();
        outbox.Add(batch.Address(0), batch.Length(0), 0, batch.Route(0), six: false);
        int largest = DatagramSending.NoLimit;
        DatagramSending.Send(outbox, _target, isConnected: false, ref largest);
        using var deadline = new CancellationTokenSource(s_soon);
        Assert.That(await client.ReceiveAsync(new byte[10], deadline.Token), Is.EqualTo(1));
    }

    /// <summary>The client sends again after an answer.</summary>
    private async Task TalkAsync(Socket client)
    {
        client.SendTo(new byte[1], _listen);
        await AnswerAsync(client);
        client.SendTo(new byte[1], _listen);
        await AnswerAsync(client);
    }

    private async Task<int> FlowsOfAsync(string client)
    {
        int count = 0;
        await _loop.InvokeAsync(() =>
        {
            _table.EndWhere(
                flow =>
                {
                    count += flow.Peer.ToIPAddress()!.Equals(IPAddress.Parse(client)) ? 1 : 0;
                    return false;
                },
                new RelayOutcome(EndReason.Aborted));
        });
        return count;
    }

    private Socket Client(IPAddress? from = null)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Bind(new IPEndPoint(from ?? IPAddress.Loopback, 0));
        _clients.Add(client);
        return client;
    }

    private Task<TimeSpan> UntilAsync(Func<bool> condition, string what) => Eventually.TrueAsync(
        async () =>
        {
            bool holds = false;
            await _loop.InvokeAsync(() => holds = condition());
            return holds;
        },
        s_soon,
        what);
}
