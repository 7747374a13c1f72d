namespace NsBridge.Relaying.EventLoops;

/// <summary>A timer without descriptors. On the loop's thread.</summary>
/// <param name="loop">The loop that runs it.</param>
/// <param name="expired">Called each time it expires.</param>
public sealed class LoopTimer(EventLoop loop, Action expired) : EventSource
{
    /// <summary>Sets the timer, in milliseconds from now; a set timer is replaced.</summary>
    public void Set(long milliseconds) => loop.SetTimer(this, milliseconds);

    /// <summary>Sets the timer unless it is set.</summary>
    public void SetOnce(long milliseconds)
    {
        if (!IsTimerSet)
            loop.SetTimer(this, milliseconds);
    }

    public void Clear() => loop.ClearTimer(this);

    protected internal override void OnEvents(uint events, int end) => throw new InvalidOperationException("A timer watches nothing");

    protected internal override void OnTimer() => expired();
}
