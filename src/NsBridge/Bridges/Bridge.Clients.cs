using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Joining;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges;

// Who is let in, and what becomes of them: told by both halves. Any thread may call.
internal sealed partial class Bridge
{
    private long _connections;

    /// <summary>Whether this bridge's own connections have ended, and nothing of them is left to be taken; another of the same name may count on the same tally.</summary>
    public bool HasDrained => Volatile.Read(ref _connections) == 0;

    /// <inheritdoc cref="IJoin.HandedOffCount"/>
    /// <remarks>Only an outer half alone has any.</remarks>
    public Task<int> ElsewhereAsync() => _outer is { } outer && _place is null ? outer.ElsewhereAsync() : Task.FromResult(0);

    /// <summary>Whether a client is let in.</summary>
    public bool Admit(PeerAddress peer)
    {
        AdmitVerdict verdict = _admission.Admit(peer);
        if (verdict == AdmitVerdict.Admitted)
        {
            CountIn(peer);
            return true;
        }
        _log.Refused(peer, verdict);
        return false;
    }

    public void OnConnected(long microseconds) => Tally.CountConnect(microseconds);

    /// <summary>Whether a client's address is in <c>AllowFrom</c>.</summary>
    public bool IsAllowed(PeerAddress peer) => _admission.IsAllowed(peer);

    /// <summary>A client is turned away.</summary>
    public void Refuse(PeerAddress peer, AdmitVerdict verdict)
    {
        Tally.CountRefused();
        _log.Refused(peer, verdict);
    }

    /// <summary>Datagrams were not passed on.</summary>
    public void OnDropped(string reason) => _log.Dropped(reason);

    public void OnFailed(PeerAddress peer, string reason)
    {
        Tally.CountFailed();
        _log.Unreachable(peer, reason);
    }

    public void OnEnded(PeerAddress peer, RelayOutcome outcome, long toTarget, long toClient)
    {
        _admission.Release(peer);
        CountOut(peer);
        _log.Ended(peer, outcome, toTarget, toClient);
    }

    /// <summary>A socket of a connection that has ended stays open until its peer has taken everything: it keeps its descriptor, and the bridge.</summary>
    public void OnClosing(bool begins)
    {
        Interlocked.Add(ref _connections, begins ? 1 : -1);
        if (begins)
            _engine.Descriptors.Enter(1);
        else
            _engine.Descriptors.Leave(1);
    }

    private void CountIn(PeerAddress peer)
    {
        Interlocked.Increment(ref _connections);
        _engine.Descriptors.Enter(PairsOf(peer));
    }

    private void CountOut(PeerAddress peer)
    {
        Interlocked.Decrement(ref _connections);
        _engine.Descriptors.Leave(PairsOf(peer));
    }

    private int PairsOf(PeerAddress peer) => RelaysWithin && !peer.IsUnix ? 2 : 1;
}
