namespace NsBridge.Relaying.EventLoops;

/// <summary>What an event loop calls: the owner of up to two descriptors and of one timer. All its methods run on the loop's
/// thread.</summary>
public abstract class EventSource
{
    internal const int NoSlot = -1;

    internal int Slot = NoSlot;
    internal EventSource? TimerNext;
    internal EventSource? TimerPrevious;
    internal long TimerTick;
    internal bool TimerArmed;
    internal bool IsQueued;

    /// <summary>Whether a timer is set.</summary>
    protected bool IsTimerSet => TimerArmed;

    /// <summary>Whether the source has a slot in a loop.</summary>
    protected bool IsAttached => Slot != NoSlot;

    /// <summary>A watched descriptor has events.</summary>
    /// <param name="events">EPOLL… bits.</param>
    /// <param name="end">Which of the source's two descriptors: 0 or 1.</param>
    protected internal abstract void OnEvents(uint events, int end);

    /// <summary>The timer has expired.</summary>
    protected internal virtual void OnTimer()
    {
    }

    /// <summary>The other sources have had their turn since <see cref="EventLoop.Yield"/>.</summary>
    protected internal virtual void OnResume()
    {
    }
}
