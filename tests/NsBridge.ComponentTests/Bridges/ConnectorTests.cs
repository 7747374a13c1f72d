using System.Net;
using System.Net.Sockets;
using System.Text;
using NsBridge.Bridges;
using NsBridge.Bridges.Connecting;
using NsBridge.ComponentTests.Relaying.Tcp;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>What the target does between the dial and the moment the loop hears of it.</summary>
[TestFixture, LeaksNothing, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ConnectorTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(5);

    private readonly Owner _owner = new();
    private EventLoop _loop = null!;
    private Socket _target = null!;
    private Socket _client = null!;
    private Connector _connector = null!;

    [SetUp]
    public async Task MakeAsync()
    {
        _target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _target.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _target.Listen();
        var place = new NamespaceTracker(NamespaceReference.Host, new PathResolver(NetworkNamespace.Own));
        place.Probe();
        // Without the ring an event tells of every answer, and comes after all that was done in one call of the loop.
        _loop = new EventLoop(0);
        await _loop.InvokeAsync(() => _connector = new Connector(_loop, place, ConnectTarget.ToTarget(Settings()), new RelayCounters(), _owner));
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _loop.InvokeAsync(_connector.Stop);
        _loop.Dispose();
        _client.Dispose();
        _target.Dispose();
    }

    [TestCase("", "")]
    [TestCase("", "GET /")]
    [TestCase("503 too busy", "")]
    [TestCase("503 too busy", "GET /")]
    public async Task Connect_TargetAcceptsAndResetsAtOnce_ClientGetsWhatItSaidAndTheReset(string says, string request)
    {
        await ConnectAsync(request, accepted =>
        {
            accepted.Send(Encoding.ASCII.GetBytes(says));
            accepted.Reset();
        });

        Assert.That(await _owner.Ended.WaitAsync(s_deadline), Is.EqualTo(EndReason.TargetReset));
        Assert.That(await _client.ReceiveExactlyAsync(says.Length), Is.EqualTo(Encoding.ASCII.GetBytes(says)));
        Assert.That(await _client.EndingAsync(s_deadline), Is.EqualTo(Ending.Reset));
        Assert.That(_owner.Connected, Is.EqualTo(1));
        Assert.That(_target.Poll(0, SelectMode.SelectRead), Is.False, "dialled again");
    }

    [Test]
    public async Task Connect_TargetSpeaksEndsAndResetsAtOnce_ClientGetsWhatItSaidAndNoEndInGoodOrder()
    {
        await ConnectAsync("", accepted =>
        {
            accepted.Send("bye"u8);
            accepted.Shutdown(SocketShutdown.Send);
            accepted.Reset();
        });

        Assert.That(await _owner.Ended.WaitAsync(s_deadline), Is.EqualTo(EndReason.TargetReset));
        Assert.That(await _client.ReceiveExactlyAsync(3), Is.EqualTo("bye"u8.ToArray()));
        Assert.That(await _client.EndingAsync(s_deadline), Is.EqualTo(Ending.Reset));
        Assert.That(_owner.Connected, Is.EqualTo(1));
    }

    [Test]
    public async Task Retry_ClientsComeToAnotherPortAllTheTime_WhoWaitsForThisOneIsServed()
    {
        var newcomers = new List<Socket>();
        StreamPair waiting = StreamPair.Of(SocketKind.Tcp);
        _client = waiting.Program;
        (int listen, int first) = (HostSockets.FreePorts(2), HostSockets.FreePorts(2));
        ConnectTarget range = ConnectTarget.ToTarget(Settings($"127.0.0.1:{listen}-{listen + 1}", $"127.0.0.1:{first}-{first + 1}"));
        await _loop.InvokeAsync(() => _connector.Change(range, 0));
        await PassAsync(waiting, 1);
        using var target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        target.Bind(new IPEndPoint(IPAddress.Loopback, first + 1));
        target.Listen();

        await Eventually.TrueAsync(
            async () =>
            {
                StreamPair newcomer = StreamPair.Of(SocketKind.Tcp);
                newcomers.Add(newcomer.Program);
                await PassAsync(newcomer, 0);
                return _owner.Connected == 1;
            },
            s_deadline,
            "the one who waits is connected");
        newcomers.ForEach(newcomer => newcomer.Dispose());
    }

    [Test]
    public async Task Retry_ForAClientThatWaits_AllocatesNothing()
    {
        const int rounds = 200;
        StreamPair waiting = StreamPair.Of(SocketKind.Tcp);
        _client = waiting.Program;
        await _loop.InvokeAsync(() => _connector.Change(ConnectTarget.ToTarget(Settings("80", $"127.0.0.1:{HostSockets.FreePort()}")), 0));
        await PassAsync(waiting, 0);

        (long allocated, int left) = await _loop.InvokeAsync(() =>
        {
            _connector.Retry();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int round = 0; round < rounds; round++)
                _connector.Retry();
            return (GC.GetAllocatedBytesForCurrentThread() - before, _connector.Attempts().Count());
        });

        Assert.That(allocated, Is.LessThan(8 * rounds));
        Assert.That(left, Is.EqualTo(1), "it waits still");
    }

    private Task PassAsync(StreamPair client, int offset) =>
        _loop.InvokeAsync(() => _connector.Connect([new AcceptedClient(client.Relayed, SocketKind.Tcp, PeerAddress.Unix, offset, 1)]));

    /// <summary>Lets a client in who has said something already, and the target do its part before the loop looks at anything.</summary>
    private async Task ConnectAsync(string request, Action<Socket> target)
    {
        StreamPair pair = StreamPair.Of(SocketKind.Tcp);
        _client = pair.Program;
        _client.Send(Encoding.ASCII.GetBytes(request));
        await _loop.InvokeAsync(() =>
        {
            _connector.Connect([new AcceptedClient(pair.Relayed, SocketKind.Tcp, PeerAddress.Unix, 0, 1)]);
            target(_target.Accept());
        });
    }

    // Both an address to go on to and the time to wait for a target that is not there.
    private BridgeSettings Settings() => Settings($"127.0.0.1:{HostSockets.FreePort()}", $"localhost:{((IPEndPoint)_target.LocalEndPoint!).Port}");

    private static BridgeSettings Settings(string listen, string target) => LoadedText.Right(
        $""" "Name":"web", "Listen":"{listen}", "Namespace":"host", "Target":"{target}", "TargetWait":"00:00:10" """).Bridges[0];

    private sealed class Owner : IConnectorOwner
    {
        private readonly TaskCompletionSource<EndReason> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<EndReason> Ended => _ended.Task;

        public int Connected { get; private set; }

        public void OnConnected(long microseconds) => Connected++;

        public void OnUnreachable(PeerAddress peer, string reason, Errno error)
        {
        }

        public void OnEnded(in ConnectionOrigin origin, RelayOutcome outcome, long toTarget, long toClient) =>
            _ended.TrySetResult(outcome.Ending);

        public void OnClosing(bool begins)
        {
        }

        public StateReason? SourceTrouble(ulong cookie) => null;

        public void OnNamespaceMoved()
        {
        }
    }
}
