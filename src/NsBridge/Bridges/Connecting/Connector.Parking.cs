using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

// Who cannot be connected at once: waits, tries again, or is told that it is over.
internal sealed partial class Connector
{
    private const int RetryMilliseconds = 100;

    /// <summary>Parked clients that are dialled at once when the target is back.</summary>
    private const int DialsPerRetry = 64;

    private const int TimesAnAnswer = 4;

    /// <summary>Takes a new plan over. Where it leads elsewhere or grants another time, everybody who has no target yet begins anew by it.</summary>
    public void Change(ConnectTarget plan, long idleTimeout)
    {
        bool isNews = !plan.DialsAs(Plan);
        Plan = plan;
        if (_relays.IdleTimeout != idleTimeout)
            _relays.ChangeIdleTimeout(idleTimeout);
        if (isNews)
            RestartAttempts([.. _dialling.All], [.. _parked.All]);
    }

    private void RestartAttempts(ConnectAttempt[] dialling, ConnectAttempt[] parked)
    {
        foreach (ConnectAttempt dial in parked)
        {
            dial.Restart();
            if (CanPark(dial, dial.Shortage))
                Park(dial, dial.Shortage);
            else
                TimedOut(dial);
        }
        foreach (ConnectAttempt dial in dialling)
        {
            dial.Restart();
            Loop.SetTimer(dial, (long)Plan.ConnectTimeout.TotalMilliseconds - dial.Age);
            DialAgain(dial);
        }
        Retry();
    }

    internal void Failed(ConnectAttempt dial, Errno error)
    {
        // A UNIX socket that listens, and has a full backlog. One of TCP does not answer then.
        Errno shortage = error == Errno.EAGAIN ? error : Errno.None;
        if (CanPark(dial, shortage))
            Park(dial, shortage);
        else
            GiveUp(dial, error);
    }

    private void Unreachable(ConnectAttempt dial, EnterFailure failure)
    {
        // Out of descriptors is our fault, not the target's.
        Errno shortage = failure.IsExhaustion ? failure.Error : Errno.None;
        if (CanPark(dial, shortage))
        {
            Park(dial, shortage);
            return;
        }
        string reason = _place.Resolve(out NamespaceState absent) is { } network ? network.Explain(failure) : absent.Reason;
        _owner.OnUnreachable(dial.Accepted.Peer, reason, failure.Error);
        End(dial, new RelayOutcome(EndReason.TargetReset, failure.Error));
    }

    internal void TimedOut(ConnectAttempt dial)
    {
        if (dial.Parked is null)
            Failed(dial, Errno.ETIMEDOUT);
        else
            GiveUp(dial, dial.Shortage == Errno.None ? Errno.ETIMEDOUT : dial.Shortage);
    }

    private void GiveUp(ConnectAttempt dial, Errno error)
    {
        _owner.OnUnreachable(dial.Accepted.Peer, TargetFailure.Explain(Plan.Describe(dial.Accepted.Offset), error), error);
        End(dial, new RelayOutcome(EndReason.TargetReset, error));
    }

    private bool CanPark(ConnectAttempt dial, Errno shortage) => dial.Age < Plan.Patience(shortage) && (dial.Parked is not null || _parked.HasRoom);

    private void Park(ConnectAttempt dial, Errno shortage)
    {
        if (dial.Parked is null)
        {
            if (dial.HasHungUp || dial.WatchClient() < 0)
            {
                Abandon(dial);
                return;
            }
            _dialling.Remove(dial);
            _parked.Add(dial);
        }
        dial.Shortage = shortage;
        Loop.SetTimer(dial, Plan.Patience(shortage) - dial.Age);
        RetryLater();
    }

    // Never later than was said before: those who come to one port of a range would else put off the turn of who waits for another.
    private void RetryLater()
    {
        if (!IsTimerSet)
            Loop.SetTimer(this, RetryMilliseconds);
    }

    /// <summary>The target may be there now: one of each line finds out, and when it is, the others follow.</summary>
    public void Retry() => Retry(_parked.Heads(), Plan.ConnectTimeout);

    /// <summary>The target is there: who is parked need not wait for his turn, nor for an attempt that is older than the target.</summary>
    /// <param name="offset">The position in the range of ports.</param>
    /// <param name="took">How long a connection took: whoever has waited for several times as long is not being answered.</param>
    private void Follow(int offset, TimeSpan took)
    {
        if (!_parked.HasLine(offset))
            return;
        TimeSpan within = took * TimesAnAnswer > ConnectAttempt.LongAttempt ? took * TimesAnAnswer : ConnectAttempt.LongAttempt;
        Retry(_parked.Next(offset, DialsPerRetry), within < Plan.ConnectTimeout ? within : Plan.ConnectTimeout);
    }

    private void Retry(ReadOnlySpan<ConnectAttempt> dials, TimeSpan within)
    {
        foreach (ConnectAttempt dial in dials)
        {
            if (dial.Parked is null || dial.IsUnderWay(within))
                continue;
            dial.Restart();
            DialAgain(dial);
            // Where there is no room for one there is none for the next.
            if (dial.Parked is not null && dial.Shortage != Errno.None && !dial.IsConnecting)
                break;
        }
        if (_parked.Count > 0)
            RetryLater();
    }

    protected override void OnTimer() => Retry();
}
