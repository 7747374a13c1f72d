using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

// What a relay does when time has passed: it settles, looks after its sockets, and ends for silence.
public sealed partial class Relay
{
    /// <summary>
    /// The kernel keeps megabytes for a peer that reads slowly, and tells of it only once a third of that has gone. So a relay whose peers have still to take something
    /// looks so many times in an idle timeout whether they go on.
    /// </summary>
    private const int LooksPerIdleTimeout = 8;

    /// <summary>When the last byte was seen to move, by the loop's clock.</summary>
    private long _lastByte;

    /// <summary>Bytes that had still to be taken at the last look.</summary>
    private int _untaken;

    private bool _settled;

    private void StartSettling()
    {
        _settled = false;
        _group.Loop.SetTimer(this, _group.IdleTimeout > 0 ? Math.Min(_group.IdleTimeout, RelayGroup.KeepAliveDelayMilliseconds) : RelayGroup.KeepAliveDelayMilliseconds);
    }

    internal void RestartTimer()
    {
        if (!IsClosing && (!_settled || IsHalfClosedOnRing))
            return;
        long wait = _group.IdleTimeout > 0 ? UntilIdle : long.MaxValue;
        if (_onRing)
            wait = Math.Min(wait, LookMilliseconds);
        if (IsClosing)
            wait = Math.Min(wait, LookWhetherTakenMilliseconds);
        if (wait < long.MaxValue)
            _group.Loop.SetTimer(this, wait);
        else
            _group.Loop.ClearTimer(this);
    }

    /// <summary>Milliseconds without a byte.</summary>
    private long Silence => _group.Loop.Now - _lastByte;

    private bool IsIdle => _group.IdleTimeout > 0 && Silence >= _group.IdleTimeout;

    private long IdleLook => Math.Max(1, _group.IdleTimeout / LooksPerIdleTimeout);

    /// <summary>Milliseconds until the relay may be idle, or has to look. Once everything is taken only bytes that pass here can come.</summary>
    private long UntilIdle
    {
        get
        {
            long left = _group.IdleTimeout - Silence;
            return _untaken > 0 || Silence < IdleLook ? Math.Min(left, IdleLook) : left;
        }
    }

    // Bytes do not touch the timer: it looks, when it runs out, how long ago the last one was.
    protected internal override void OnTimer()
    {
        if (IsClosing)
        {
            LookWhetherTaken();
            return;
        }
        if (!_settled)
        {
            _settled = true;
            _group.Settled(_target.Descriptor, _target.Kind);
        }
        if (_group.IdleTimeout > 0 && Silence >= IdleLook)
            NoteTaken();
        if (IsIdle)
        {
            Abort(new RelayOutcome(EndReason.Idle));
            return;
        }
        if (_onRing && (IsHalfClosedOnRing || MustLeaveRing()))
            LeaveRing();
        if (IsAttached)
            RestartTimer();
    }

    /// <summary>Takes in what the peers have taken out of the kernel's queues since the last look.</summary>
    private void NoteTaken()
    {
        int untaken = UnackedBytes;
        if (untaken < _untaken)
            _lastByte = _group.Loop.Now;
        _untaken = untaken;
    }
}
