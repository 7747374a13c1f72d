using System.Collections.Concurrent;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>One event loop with one group of relays on it, and the programs on both sides of them.</summary>
internal sealed class RelayScene : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<RelayOutcome>> _endings = new();
    private readonly List<Conversation> _conversations = [];
    private ulong _number;
    private int _closingSockets;

    /// <param name="ring">Whether small messages go by the loop's ring.</param>
    /// <param name="neverCalm">Whether a message that comes alone is treated as one of many.</param>
    internal RelayScene(bool ring, bool neverCalm = false)
    {
        const int FewerThanNone = -1;
        if (ring)
            RelayResources.AllowRing(Loop);
        if (neverCalm)
            Loop.QuietEvents = FewerThanNone;
        Group = new RelayGroup(Loop, Counters, (_, _) => { }, (relay, outcome) => _endings[relay.Origin.Number].SetResult(outcome),
            begins => Interlocked.Add(ref _closingSockets, begins ? 1 : -1));
    }

    internal EventLoop Loop { get; } = new(0);

    internal RelayCounters Counters { get; } = new();

    internal RelayGroup Group { get; }

    /// <summary>Sockets of ended relays whose peers have not acknowledged everything.</summary>
    internal int ClosingSockets => Volatile.Read(ref _closingSockets);

    /// <summary>How many relays the loop's ring serves.</summary>
    internal Task<int> OnRingAsync() => Loop.InvokeAsync(() => RelayResources.Of(Loop).Ring!.Relays);

    /// <summary>Connects a client and a target through a new relay.</summary>
    /// <param name="client">What the client's side is.</param>
    /// <param name="target">What the target's side is.</param>
    /// <param name="narrowTarget">Whether hardly anything fits into the target's buffers.</param>
    /// <param name="cookie">The namespace that the target is said to be in.</param>
    /// <param name="greeting">What the target gets first.</param>
    /// <param name="before">What happens while both ends are watched and the relay has not begun.</param>
    /// <param name="unseen">What happens right before the relay begins, before any event of it.</param>
    internal async Task<Conversation> StartAsync(
        SocketKind client = SocketKind.Tcp,
        SocketKind target = SocketKind.Tcp,
        bool narrowTarget = false,
        ulong cookie = 1,
        byte[]? greeting = null,
        Func<Conversation, WaitingEnds, Task>? before = null,
        Action<Conversation>? unseen = null)
    {
        var clientSide = StreamPair.Of(client);
        var targetSide = StreamPair.Of(target, narrowTarget);
        ulong number = ++_number;
        TaskCompletionSource<RelayOutcome> ending = _endings[number] = new TaskCompletionSource<RelayOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var conversation = new Conversation(clientSide.Program, targetSide.Program, ending.Task);
        _conversations.Add(conversation);
        var waiting = new WaitingEnds();
        await Loop.InvokeAsync(() =>
        {
            Loop.Attach(waiting);
            Assert.That(Loop.Watch(waiting, 0, clientSide.Relayed, Relay.Interest), Is.Zero);
            Assert.That(Loop.Watch(waiting, 1, targetSide.Relayed, Relay.Interest), Is.Zero);
        });
        if (before is not null)
            await before(conversation, waiting);
        await Loop.InvokeAsync(() =>
        {
            unseen?.Invoke(conversation);
            var ends = new RelaySockets(clientSide.Relayed, targetSide.Relayed, client, target, waiting.Seen(0), waiting.Seen(1));
            var origin = new ConnectionOrigin(PeerAddress.Unix, 0, number, ConnectionOrigin.NextId(), Loop.Now);
            Group.Start(waiting, ends, origin, cookie, greeting);
        });
        return conversation;
    }

    /// <summary>Brings every relay to rest and lets it go on, as another process does that takes its sockets over.</summary>
    /// <param name="between">What happens while no relay runs.</param>
    internal Task RestAsync(Action? between = null) => Loop.InvokeAsync(() =>
    {
        IReadOnlyList<RelayState> states = Group.Suspend();
        Assert.That((Counters.Active, Loop.Load), Is.EqualTo((0L, 0)), "relays left");
        foreach (RelayState state in states)
        {
            Loop.Unwatch(state.Client);
            Loop.Unwatch(state.Target);
        }
        between?.Invoke();
        foreach (RelayState state in states)
            Group.Resume(state, state.ConnectionId);
    });

    public async ValueTask DisposeAsync()
    {
        await Loop.InvokeAsync(() => Group.AbortAllBut(0));
        Assert.That((Counters.Active, Loop.Load, ClosingSockets), Is.EqualTo((0L, 0, 0)), "relays left");
        Loop.Dispose();
        _conversations.ForEach(conversation => conversation.Dispose());
    }
}
