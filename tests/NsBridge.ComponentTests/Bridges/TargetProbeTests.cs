using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Lifecycle;
using NsBridge.ComponentTests.Logging;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>What a probe finds out about a target, and that nobody notices.</summary>
[TestFixture, LeaksNothing, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class TargetProbeTests : IBridgeContext, IConnectionEvents
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private readonly BlockingCollection<(TargetState State, string Reason)> _found = [];
    private readonly List<Socket> _clients = [];
    private Socket _target = null!;
    private Action _onFound = () => { };

    public BridgeSettings Settings { get; private set; } = null!;

    public BridgeCounters Counters { get; } = new(1);

    [SetUp]
    public void Make()
    {
        _target = Listen(0);
        Settings = Probed(_target.LocalEndPoint!.ToString()!);
    }

    [TearDown]
    public void End()
    {
        _clients.ForEach(client => client.Dispose());
        _target.Dispose();
        _found.Dispose();
    }

    [Test]
    public async Task Probe_OfATargetThatGoesAndComesBack_FollowsItAndIsNotNoticed()
    {
        await using Probing probing = await StartAsync();
        Assert.That(Next(), Is.EqualTo((TargetState.Answers, "")));
        Assert.That(Next(), Is.EqualTo((TargetState.Answers, "")));
        Assert.That(_target.Poll(0, SelectMode.SelectRead), Is.False, "the target sees a connection");

        int port = ((IPEndPoint)_target.LocalEndPoint!).Port;
        _target.Dispose();
        Await(TargetState.Refuses, $"nothing listens on 127.0.0.1:{port}");
        _target = Listen(port);
        Await(TargetState.Answers, "");
    }

    [Test]
    public async Task Probe_OfATargetThatAcceptsNoMore_IsSilent()
    {
        _target.Listen(0);
        Settings = Probed(_target.LocalEndPoint!.ToString()!);
        // The kernel takes one more than the backlog; it drops the handshakes beyond that.
        _clients.Add(await TestClient.TcpAsync((IPEndPoint)_target.LocalEndPoint!));

        await using Probing probing = await StartAsync();

        Await(TargetState.Silent, $"{_target.LocalEndPoint} does not answer in time");
    }

    [Test]
    public async Task Probe_AfterAClientThatReachedTheTarget_DoesNotAsk()
    {
        _onFound = () =>
        {
            Counters.CountConnect(1);
            _target.Dispose();
            _onFound = () => { };
        };

        await using Probing probing = await StartAsync();

        Assert.That(Next().State, Is.EqualTo(TargetState.Answers));
        Assert.That(Next().State, Is.EqualTo(TargetState.Answers), "a client found out");
        Assert.That(Next().State, Is.EqualTo(TargetState.Refuses), "it is asked again");
    }

    [Test]
    public async Task Probe_OfAUnixSocket_SaysWhetherItIsThere()
    {
        using var scratch = new ScratchDirectory();
        Settings = Probed($"unix:{scratch["target"]}");
        await using Probing probing = await StartAsync();
        Assert.That(Next(), Is.EqualTo((TargetState.Refuses, $"unix:{scratch["target"]} does not exist")));

        using var target = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        target.Bind(new UnixDomainSocketEndPoint(scratch["target"]));
        target.Listen();
        Await(TargetState.Answers, "");
    }

    [Test]
    public async Task Stop_WhileItAsks_ClosesAndForgetsWhatItFound()
    {
        await using Probing probing = await StartAsync();
        Next();

        await probing.Loop.InvokeAsync(probing.Probe.Stop);

        Await(TargetState.Unknown, "");
        await probing.Loop.InvokeAsync(probing.Probe.Restart);
        Assert.That(_found, Is.Empty, "it asks no more");
    }

    [Test]
    public void Log_OfATargetThatGoesAndComesBack_HasALineForEachChange()
    {
        using var log = new LogLines();
        using var sockets = ActivationSockets.Adopt([]);
        using var parts = new BridgeParts(sockets, log);
        using Bridge bridge = parts.Factory.Create(Settings);

        TargetState[] found =
            [TargetState.Answers, TargetState.Refuses, TargetState.Refuses, TargetState.Unknown, TargetState.Answers, TargetState.Answers];
        foreach (TargetState state in found)
            bridge.Clients.OnTarget(state, "nothing listens there");

        Assert.That(log.Lines, Is.EqualTo(
            ["Bridge web: a probe finds: nothing listens there", "Bridge web: a probe finds that its target answers again"]));
        Assert.That(bridge.Report().TargetState, Is.EqualTo(TargetState.Answers));
    }

    private (TargetState State, string Reason) Next() =>
        _found.TryTake(out (TargetState, string) found, s_deadline) ? found : throw new TimeoutException("nothing was found");

    private void Await(TargetState state, string reason)
    {
        (TargetState State, string Reason) found = Next();
        while (found.State != state)
            found = Next();
        Assert.That(found.Reason, Is.EqualTo(reason));
    }

    private async Task<Probing> StartAsync()
    {
        var place = new NamespaceTracker(NamespaceReference.Host, new PathResolver(NetworkNamespace.Own));
        var loop = new EventLoop(0);
        var probe = new TargetProbe(this, this, loop, place);
        await loop.InvokeAsync(probe.Restart);
        return new Probing(loop, probe);
    }

    private static Socket Listen(int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen();
        return listener;
    }

    private static BridgeSettings Probed(string target) => LoadedText.Right(
        $""" "Name":"web", "Namespace":"host", "Target":"{target}", "Probe":"00:00:00.05", "ConnectTimeout":"00:00:00.2" """).Bridges[0];

    void IConnectionEvents.OnTarget(TargetState state, string reason)
    {
        _found.Add((state, reason));
        _onFound();
    }

    SockAddr IBridgeContext.JoinAddress => throw new NotSupportedException();

    StateReason? IBridgeContext.SourceTrouble(ulong cookie) => throw new NotSupportedException();

    void IBridgeContext.OnStateChanged() => throw new NotSupportedException();

    void IBridgeContext.ProbeNamespaces() => throw new NotSupportedException();

    void IBridgeContext.AbortClientsIn(ulong cookie) => throw new NotSupportedException();

    void IConnectionEvents.OnConnected(long microseconds) => throw new NotSupportedException();

    void IConnectionEvents.OnFailed(PeerAddress peer, string reason) => throw new NotSupportedException();

    void IConnectionEvents.OnEnded(PeerAddress peer, RelayOutcome outcome, long toTarget, long toClient, long age) =>
        throw new NotSupportedException();

    void IConnectionEvents.OnClosing(bool begins) => throw new NotSupportedException();

    void IConnectionEvents.OnDropped(string reason) => throw new NotSupportedException();

    void IConnectionEvents.OnNamespaceEnded(int connections) => throw new NotSupportedException();

    private sealed record Probing(EventLoop Loop, TargetProbe Probe) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Loop.InvokeAsync(Probe.Stop);
            Loop.Dispose();
        }
    }
}
