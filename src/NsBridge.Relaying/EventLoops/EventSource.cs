using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>
/// What an event loop calls: the owner of up to two descriptors and of one timer. All its methods run on the loop's thread.
/// </summary>
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

    /// <summary>Whether the source has its place in a loop.</summary>
    protected bool IsAttached => Slot != NoSlot;

    /// <summary>Something happened on a descriptor.</summary>
    /// <param name="events">EPOLL… bits.</param>
    /// <param name="end">Which of the source's two descriptors: 0 or 1.</param>
    protected internal abstract void OnEvents(uint events, int end);

    /// <summary>A request of the source has completed, or goes on.</summary>
    /// <param name="completion">What became of it; a buffer in it is the source's.</param>
    /// <param name="own">The source's own bits of the number it was made with.</param>
    internal virtual void OnCompletion(in IoUringCompletion completion, int own)
    {
    }

    /// <summary>The timer that was set has run out.</summary>
    protected internal virtual void OnTimer()
    {
    }

    /// <summary>The turn that <see cref="EventLoop.Again"/> asked for.</summary>
    protected internal virtual void OnResume()
    {
    }
}
