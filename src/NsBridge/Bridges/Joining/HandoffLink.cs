using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Joining;

/// <summary>The owner of a <see cref="HandoffLink"/>. Called on its loop.</summary>
internal interface IHandoffOwner
{
    /// <summary>The inner half takes clients.</summary>
    void OnReady(HandoffLink link);

    /// <summary>A client was sent to the inner half.</summary>
    void OnSent(HandoffLink link, in WaitingClient client);

    /// <summary>A client that another process has taken over has gone there.</summary>
    void OnNotice(HandoffLink link, in HandoffNotice notice);

    /// <summary>The inner half takes no more clients over this link, but goes on to report the ends of those it has.</summary>
    void OnRetired(HandoffLink link);

    /// <inheritdoc cref="HalfLink.OnLost"/>
    void OnLost(HandoffLink link, Errno error, bool isRefused);
}

/// <summary>Hands accepted connections off to an inner half as descriptors, and receives from that of another process how each ended. Owns
/// its <see cref="Waiting"/> clients until they are sent or taken back.</summary>
/// <param name="loop">The loop it lives on.</param>
/// <param name="owner">Gets the events.</param>
/// <param name="perMessage">Clients that may go in one message.</param>
internal sealed class HandoffLink(EventLoop loop, IHandoffOwner owner, int perMessage) : HalfLink(loop)
{
    /// <summary>Clients in any message: as many as are accepted in one batch, which reserves the descriptors of each.</summary>
    public const int MostPerMessage = Acceptor.Batch;

    private bool _isRetired;

    /// <summary>The greeting of an inner half that takes clients.</summary>
    public static ReadOnlySpan<byte> Hello => "nsbridge handoff 1\n"u8;

    protected override ReadOnlySpan<byte> Greeting => Hello;

    /// <summary>Clients that wait to be handed off.</summary>
    public WaitingClients Waiting { get; } = new();

    public override void Flush()
    {
        if (!CanSend || _isRetired)
            return;
        int most = Math.Min(Waiting.Count, perMessage);
        Span<byte> records = stackalloc byte[most * HandoffRecord.Size];
        Span<int> descriptors = stackalloc int[most];
        while (Waiting.Count > 0)
        {
            int count = 0;
            Queue<WaitingClient> oldest = Waiting.Oldest;
            foreach ((AcceptedClient accepted, _) in oldest)
            {
                if (count == most)
                    break;
                new HandoffRecord(accepted.Peer, accepted.Offset, accepted.Number).Write(records[(count * HandoffRecord.Size)..]);
                descriptors[count++] = accepted.Client;
            }
            if (!TrySend(records[..(count * HandoffRecord.Size)], descriptors[..count]))
                return;
            // The message holds copies, which the receiver owns (HandoffReceiver.Take); these are no longer needed.
            for (int i = 0; i < count; i++)
            {
                WaitingClient sent = oldest.Dequeue();
                owner.OnSent(this, sent);
                Libc.Close(sent.Accepted.Client);
            }
        }
    }

    protected override void OnReady() => owner.OnReady(this);

    protected override int OnReceived(ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        bool takesMore = true;
        for (; bytes.Length - done >= HandoffNotice.Size; done += HandoffNotice.Size)
        {
            HandoffNotice notice = HandoffNotice.Read(bytes[done..]);
            if (notice == HandoffNotice.TakesNoMore)
                takesMore = false;
            else
                owner.OnNotice(this, notice);
        }
        if (!takesMore)
            OnRefusesMore();
        return done;
    }

    // Retired or gone: the waiting clients go over another link, and notices that are still on their way are read first.
    protected override void OnRefusesMore()
    {
        if (_isRetired)
            return;
        _isRetired = true;
        owner.OnRetired(this);
    }

    protected override void OnLost(Errno error, bool isRefused) => owner.OnLost(this, error, isRefused);
}
