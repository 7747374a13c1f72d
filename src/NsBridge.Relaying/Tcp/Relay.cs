using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>Both directions of one connection between a client and a target.</summary>
/// <remarks>
/// Theory of operation. Both sockets are watched edge-triggered for everything, once, when the connection begins; from then on no
/// epoll_ctl(2) is needed. What the edges said is kept in <see cref="RelaySocket"/>, and after each event both directions are advanced as
/// far as they go by one function that is called with the ends swapped.
/// <para>
/// A direction reads into the loop's scratch block and writes at once. What the sink does not take moves to a block of the direction's own,
/// and nothing more is read until it is gone: a slow reader slows its writer, and costs one block. A read that does not fill its
/// buffer has emptied the socket unless the end has come too, which spares the read that would say so (a quarter of all calls).
/// </para>
/// <para>
/// A direction between TCP sockets whose reads were large some times in a row is a bulk one, and moves its bytes through a pipe, where they are not
/// copied. The pipe only moves bytes: that there is an end, an error or urgent data is known from the events and told by a read, so
/// a source that has shown any of these is read from then on.
/// </para>
/// <para>
/// The source's end is passed on (shutdown(2)) after its last byte. When both directions are over the sockets are closed, in another
/// network namespace only once the peers have taken everything (see <see cref="IsClosing"/>). An error on either socket resets the other at once: the bytes in
/// between are lost, as they are in a TCP connection that is reset.
/// </para>
/// <para>
/// Where both sockets are TCP ones and the loop has a ring, a relay begins there (<see cref="MessageRing"/>) and stays as long as it passes small messages
/// while others do. Whatever is more than that (a long message, a sink that does not take all, an error, an exchange that goes on after one side's end) or less
/// (nobody else has anything to say) takes it off the ring, and it goes on as said above.
/// </para>
/// <para>A direction that has moved <see cref="Turn"/> bytes gives way to the loop's other sources.</para>
/// </remarks>
public sealed partial class Relay : EventSource
{
    /// <summary>What both sockets have to be watched for.</summary>
    public const uint Interest = Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLPRI | Libc.EPOLLET;

    private const int ClientEnd = 0;
    private const int TargetEnd = 1;

    /// <summary>Bytes a direction may move before others have their turn.</summary>
    private const int Turn = 4 * BlockPool.Largest;

    private readonly RelayGroup _group;
    private RelaySocket _client;
    private RelaySocket _target;
    private RelayDirection _toTarget;
    private RelayDirection _toClient;

    internal Relay? Next;
    internal Relay? Previous;

    internal Relay(RelayGroup group) => _group = group;

    /// <summary>Who the client is.</summary>
    public PeerAddress Peer { get; private set; }

    /// <summary>The network namespace of the target's socket.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>Whether the client is a TCP one whose socket belongs to that network namespace.</summary>
    public bool HasClientIn(ulong cookie) => _client is { Kind: SocketKind.Tcp, Descriptor: >= 0 } && Libc.NetworkNamespaceCookie(_client.Descriptor) == cookie;

    /// <summary>What the owner knows the connection by.</summary>
    public ulong ConnectionId { get; private set; }

    /// <summary>Bytes that the target's socket has taken.</summary>
    public long BytesToTarget { get; private set; }

    /// <summary>Bytes that the client's socket has taken.</summary>
    public long BytesToClient { get; private set; }

    internal void Begin(in RelaySockets ends, PeerAddress peer, ulong cookie, ulong connectionId, ReadOnlySpan<byte> greeting)
    {
        Peer = peer;
        Cookie = cookie;
        ConnectionId = connectionId;
        BytesToTarget = BytesToClient = 0;
        _client.Begin(ends.Client, ends.ClientKind, ends.ClientEvents);
        _target.Begin(ends.Target, ends.TargetKind, ends.TargetEvents);
        _toTarget = default;
        _toClient = default;
        _lastByte = _group.Loop.Now;
        _watched = ends.Watched;
        _wrongPathCount = 0;
        _untaken = 0;
        StartSettling();
        if (!greeting.IsEmpty && !Greet(greeting))
            return;
        if (_onRing)
            return;
        if (IsForRing && IsWholeAndEmpty)
            EnterRing(_group.Resources.Ring!);
        else if (_watched || Watch())
            Advance(client: true, target: true);
    }

    /// <returns>False where the relay has ended or is over.</returns>
    private bool Greet(ReadOnlySpan<byte> greeting)
    {
        if (!Hold(ref _toTarget, greeting))
            return false;
        Advance(client: true, target: false);
        return IsAttached && !IsClosing;
    }

    /// <summary>Lets epoll watch both sockets, which tells what there is on them as well as what comes.</summary>
    /// <returns>False where the relay has ended, for want of memory.</returns>
    private bool Watch()
    {
        _watched = true;
        int watched = _group.Loop.Watch(this, ClientEnd, _client.Descriptor, Interest);
        if (watched >= 0)
            watched = _group.Loop.Watch(this, TargetEnd, _target.Descriptor, Interest);
        if (watched < 0)
            Abort(new RelayOutcome(EndReason.Aborted, Libc.ErrorOf(watched)));
        return watched >= 0;
    }

    private bool Hold(ref RelayDirection flow, ReadOnlySpan<byte> bytes)
    {
        if (!RentFor(ref flow, bytes.Length))
            return false;
        NativePages.Write(flow.Block.Address, bytes);
        return true;
    }

    /// <summary>Makes room for so many pending bytes.</summary>
    /// <returns>False where the relay has ended, for want of memory.</returns>
    private bool RentFor(ref RelayDirection flow, int bytes)
    {
        flow.Block = _group.Resources.Blocks.Rent(bytes);
        flow.Pending = flow.Block.IsNone ? 0 : bytes;
        if (flow.Block.IsNone)
            Abort(new RelayOutcome(EndReason.Aborted, Errno.ENOMEM));
        return !flow.Block.IsNone;
    }

    protected internal override void OnEvents(uint events, int end)
    {
        // Told before the relay went to the ring, which comes upon it by itself, or was over.
        if (_onRing || IsClosing)
            return;
        ref RelaySocket changed = ref end == 0 ? ref _client : ref _target;
        changed.Note(events);
        if ((events & Libc.EPOLLPRI) != 0 && changed.Kind == SocketKind.UnixHalf && ResetMark.IsOn(changed.Descriptor))
        {
            DeliverThenFail(-(nint)(int)Errno.ECONNRESET, ref changed, ref end == 0 ? ref _target : ref _client, atClient: end == 0);
            return;
        }
        bool reads = (events & ~Libc.EPOLLOUT) != 0;
        bool writes = (events & (Libc.EPOLLOUT | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0;
        Advance(client: end == 0 ? reads : writes, target: end == 0 ? writes : reads);
    }

    protected internal override void OnResume()
    {
        // Asked for before the relay went to the ring, as its events are.
        if (!_onRing && !IsClosing)
            Advance(client: true, target: true);
    }

    /// <summary>Resets both sides.</summary>
    internal void Abort(RelayOutcome outcome)
    {
        if (_onRing)
            EndRequests(_group.Resources.Ring!);
        _client.Reset();
        _target.Reset();
        Finish(outcome);
    }

    private void Finish(RelayOutcome outcome)
    {
        ReturnStore(ref _toTarget);
        ReturnStore(ref _toClient);
        _group.Remove(this, outcome);
    }
}
