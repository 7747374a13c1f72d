using NsBridge.Logging;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Logging;

public class RepeatedFaultTests
{
    private readonly List<string> _told = [];
    private ManualClock _clock = null!;
    private RepeatedFault _fault = null!;

    [SetUp]
    public void Make()
    {
        _told.Clear();
        _clock = new ManualClock();
        _fault = new RepeatedFault(_told.Add, _clock);
    }

    [TearDown]
    public void End() => _fault.Dispose();

    [Test]
    [Promise("log")]
    public void Happened_AThousandTimes_IsToldOnce()
    {
        Happen("refused", 1000);

        Assert.That(_told, Is.EqualTo(["refused"]));
    }

    [Test]
    public void Tick_AfterRepetitions_TellsTheirNumber()
    {
        Happen("refused", 1000);
        _clock.Tick();
        _clock.Tick();

        Assert.That(_told, Is.EqualTo(["refused", "refused (999 times more since last logged)"]));
    }

    [Test]
    public void Tick_WithoutRepetition_ForgetsTheFaultAndRests()
    {
        Happen("refused", 1);
        _clock.Tick();

        Assert.That(_clock.IsTicking, Is.False);
        Happen("refused", 1);
        Assert.That(_told, Is.EqualTo(["refused", "refused"]));
    }

    [Test]
    public void Happened_InTurns_TellsEachOfThemOnce()
    {
        for (int i = 0; i < 10; i++)
        {
            Happen("refused", 1);
            Happen("timeout", 1);
        }

        Assert.That(_told, Is.EqualTo(["refused", "timeout"]));
    }

    [Test]
    public void Dispose_AfterOneRepetition_TellsIt()
    {
        Happen("refused", 2);
        _fault.Dispose();

        Assert.That(_told, Is.EqualTo(["refused", "refused (once more since last logged)"]));
    }

    [Test]
    public void Happened_InMoreKindsThanAreKept_CountsTheRest()
    {
        for (int i = 0; i < RepeatedFault.MostKinds + 5; i++)
            Happen($"fault {i}", 1);
        _clock.Tick();

        Assert.That(_told, Has.Count.EqualTo(RepeatedFault.MostKinds + 1));
        Assert.That(_told[^1], Does.StartWith("5 other faults"));
    }

    private void Happen(string fault, int times)
    {
        for (int i = 0; i < times; i++)
            _fault.Happened(fault);
    }
}
