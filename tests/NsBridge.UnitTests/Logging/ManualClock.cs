namespace NsBridge.UnitTests.Logging;

/// <summary>A clock with one periodic timer, which ticks when a test says so.</summary>
internal sealed class ManualClock : TimeProvider
{
    private Ticker? _ticker;

    public bool IsTicking => _ticker is { IsRunning: true };

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => _ticker = new Ticker(callback, state);

    public void Tick()
    {
        Assert.That(IsTicking, "nobody waits for the clock");
        _ticker!.Callback(_ticker.State);
    }

    private sealed class Ticker(TimerCallback callback, object? state) : ITimer
    {
        public TimerCallback Callback => callback;

        public object? State => state;

        public bool IsRunning { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            IsRunning = dueTime != Timeout.InfiniteTimeSpan;
            return true;
        }

        public void Dispose() => IsRunning = false;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
