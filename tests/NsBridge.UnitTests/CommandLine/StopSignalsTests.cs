using NsBridge.CommandLine;

namespace NsBridge.UnitTests.CommandLine;

internal sealed class StopSignalsTests
{
    private SteppedClock _clock = null!;
    private StopSignals _signals = null!;
    private bool _ended;

    [SetUp]
    public void Listen()
    {
        (_clock, _ended) = (new SteppedClock(), false);
        _signals = new StopSignals(_clock, () => _ended = true);
    }

    [TearDown]
    public void Forget() => _signals.Dispose();

    [Test]
    public void Signal_First_AsksTheCommandToEnd()
    {
        _signals.Receive();

        Assert.That(_signals.Stop.IsCancellationRequested, Is.True);
        Assert.That(_ended, Is.False);
    }

    [Test]
    public void Signal_ToACommandThatDoesNotEnd_EndsTheProcessWithinTheGrace()
    {
        _signals.Receive();
        Assert.That(_clock.Due, Is.EqualTo(StopSignals.Grace).And.LessThan(TimeSpan.FromMilliseconds(500)));

        _clock.Elapse();

        Assert.That(_ended, Is.True);
    }

    [Test]
    public void Signal_ToTheDaemon_GivesItItsTime()
    {
        _signals.Daemon();
        _signals.Receive();

        Assert.That(_clock.Due, Is.Null);
    }

    [Test]
    public void Signal_RepeatedAtOnce_IsIgnored()
    {
        CancellationToken hurry = _signals.Daemon();
        _signals.Receive();
        _clock.Now += StopSignals.Echo - TimeSpan.FromMilliseconds(1);
        _signals.Receive();

        Assert.That(hurry.IsCancellationRequested, Is.False);
    }

    [Test]
    public void Signal_LaterToTheDaemon_HurriesIt()
    {
        CancellationToken hurry = _signals.Daemon();
        _signals.Receive();
        _clock.Now += StopSignals.Echo;
        _signals.Receive();

        Assert.That(hurry.IsCancellationRequested, Is.True);
    }

    private sealed class SteppedClock : TimeProvider
    {
        private Action? _elapse;

        public TimeSpan Now { get; set; }

        public TimeSpan? Due { get; private set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (Due, _elapse) = (dueTime, () => callback(state));
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public void Elapse() => _elapse!();
    }
}
