using NsBridge.CommandLine;

namespace NsBridge.UnitTests.CommandLine;

internal sealed class StopSignalsTests
{
    private readonly SteppedClock _clock = new();
    private StopSignals _signals = null!;

    [SetUp]
    public void Listen() => _signals = new StopSignals(_clock);

    [TearDown]
    public void Forget() => _signals.Dispose();

    [Test]
    public void Signal_First_AsksTheVerbToEnd()
    {
        Assert.That(_signals.Receive(), Is.True);
        Assert.That(_signals.Stop.IsCancellationRequested, Is.True);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Signal_RepeatedAtOnce_IsIgnored(bool cleansUp)
    {
        CancellationToken hurry = cleansUp ? _signals.CleanUp() : default;
        _signals.Receive();
        _clock.Now += StopSignals.Echo - TimeSpan.FromMilliseconds(1);

        Assert.That(_signals.Receive(), Is.True);
        Assert.That(hurry.IsCancellationRequested, Is.False);
    }

    [Test]
    public void Signal_Later_EndsTheProcess()
    {
        _signals.Receive();
        _clock.Now += StopSignals.Echo;

        Assert.That(_signals.Receive(), Is.False);
    }

    [Test]
    public void Signal_LaterToAVerbThatCleansUp_HurriesIt()
    {
        CancellationToken hurry = _signals.CleanUp();
        _signals.Receive();
        _clock.Now += StopSignals.Echo;

        Assert.That(_signals.Receive(), Is.True);
        Assert.That(hurry.IsCancellationRequested, Is.True);
    }

    private sealed class SteppedClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
