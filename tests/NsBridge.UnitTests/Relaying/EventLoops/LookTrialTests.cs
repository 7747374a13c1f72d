using System.Diagnostics;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.UnitTests.Relaying.EventLoops;

/// <summary>Events are looked for where they come faster that way, and only there.</summary>
[TestFixture]
internal sealed class LookTrialTests
{
    private static readonly long s_microsecond = Stopwatch.Frequency / 1_000_000;

    /// <summary>As many as settle a trial: the first one only says how much processor time there was before.</summary>
    private const int WholeTrial = LookTrial.Waits + 1;

    private LookTrial _trial = null!;
    private long _now;
    private long _processorTime;

    [SetUp]
    public void Begin()
    {
        _processorTime = 0;
        _trial = new LookTrial(() => _processorTime);
        _now = Stopwatch.Frequency;
    }

    [TestCase(40, 20, true)]
    [TestCase(40, 32, true)]
    [TestCase(40, 35, false)]
    [TestCase(40, 40, false)]
    [TestCase(40, 60, false)]
    public void ShouldLook_AfterATrial_IsWhetherThatWasFaster(int asleep, int looking, bool expected)
    {
        Wait(WholeTrial, asleep, looking);
        Assert.That(Looks(1000, asleep, looking), Is.EqualTo(expected ? 1000 : 0));
    }

    [TestCase(40, 10, true)]
    [TestCase(40, 20, true)]
    [TestCase(40, 26, false)]
    public void ShouldLook_ForMoreProcessorTime_IsWhetherTheSpeedIsMoreThanThat(int asleep, int looking, bool expected)
    {
        // A look takes all the time it lasts, a sleep a third of it.
        for (int i = 0; i < WholeTrial; i++)
        {
            bool looks = _trial.ShouldLook(_now);
            Pass(looks ? looking : asleep, 1, processorTime: looks ? looking : asleep / 3);
        }
        Assert.That(_trial.ShouldLook(_now), Is.EqualTo(expected));
    }

    [Test]
    public void ShouldLook_SlowAtTheBeginningOfEachTurn_IsWhatComesAfterIt()
    {
        // A processor that was asleep takes its time until it is awake.
        for (int i = 0; i < WholeTrial; i++)
        {
            bool hasBegun = i % LookTrial.Turn < LookTrial.Turn / 2;
            Pass(_trial.ShouldLook(_now) && !hasBegun ? 28 : 40, 1);
        }
        Assert.That(_trial.ShouldLook(_now), Is.True);
    }

    [Test]
    public void ShouldLook_MoreEventsAtATimeWithoutIt_IsNotWorthwhile()
    {
        // Twice as many waits in the same time, each with half as much to do.
        for (int i = 0; i < WholeTrial; i++)
        {
            bool looks = _trial.ShouldLook(_now);
            Pass(looks ? 20 : 40, looks ? 1 : 2);
        }
        Assert.That(Looks(1000, 40, 20), Is.Zero);
    }

    [Test]
    public void ShouldLook_WhileItIsTried_LooksInHalfOfTheWaits()
    {
        Assert.That(Looks(WholeTrial, 40, 40), Is.EqualTo(LookTrial.Waits / 2));
    }

    [TestCase(20, 40)]
    [TestCase(40, 20)]
    public void ShouldLook_WhatChanged_IsFoundAgain(int before, int after)
    {
        Wait(WholeTrial, 30, before);
        _now += 10 * Stopwatch.Frequency;
        Wait(WholeTrial, 30, after);
        Assert.That(_trial.ShouldLook(_now), Is.EqualTo(after < before));
    }

    [Test]
    public void ShouldLook_NeverWorthwhile_CostsLittle()
    {
        // Every look in vain takes 50 µs more.
        long end = _now + 60 * Stopwatch.Frequency;
        int looks = 0;
        while (_now < end)
            looks += Looks(1, 40, 90);
        Assert.That(looks * 50e-6 / 60, Is.LessThan(0.005));
    }

    [Test]
    public void ShouldLook_AlwaysWorthwhile_IsSeldomTriedAgain()
    {
        long end = _now + 60 * Stopwatch.Frequency;
        long asleep = 0;
        while (_now < end)
        {
            long before = _now;
            if (Looks(1, 100, 30) == 0)
                asleep += _now - before;
        }
        Assert.That(asleep / (60.0 * Stopwatch.Frequency), Is.LessThan(0.02));
    }

    [Test]
    public void Note_AWaitForSomethingElse_DoesNotCount()
    {
        for (int i = 0; i < WholeTrial; i++)
        {
            Wait(1, 40, 20);
            // The client thinks.
            if (_trial.ShouldLook(_now) && i % 8 == 0)
                Pass(5000, 1);
        }
        Assert.That(Looks(1000, 40, 20), Is.EqualTo(1000));
    }

    [Test]
    public void Note_ALookThatKeptAnotherFromTheProcessor_DoesCount()
    {
        for (int i = 0; i < WholeTrial; i++)
        {
            bool looks = _trial.ShouldLook(_now);
            bool isLong = looks && i % 32 == 0;
            Pass(isLong ? 3000 : looks ? 20 : 40, 1, preempted: isLong);
        }
        Assert.That(_trial.ShouldLook(_now), Is.False);
    }

    [Test]
    public void Note_PreemptedWhereLooksPaid_TriesAgain()
    {
        Wait(WholeTrial, 40, 20);
        // The longest rest, and half of it again.
        for (int seconds = 0; seconds < 6; seconds++)
            Wait(1_000_000 / 20, 40, 20);
        Wait(WholeTrial, 40, 20);
        Assert.That(Looks(1000, 40, 20), Is.EqualTo(1000), "it rests");
        _now += Stopwatch.Frequency;
        Pass(3000, 1, preempted: true);
        Assert.That(Looks(WholeTrial, 40, 60), Is.EqualTo(LookTrial.Waits / 2));
        Assert.That(Looks(1000, 40, 60), Is.Zero);
    }

    [Test]
    public void Note_AfterAPause_DoesNotCountTheProcessorTimeOfIt()
    {
        for (int i = 0; i < WholeTrial + LookTrial.Waits; i++)
        {
            bool looks = _trial.ShouldLook(_now);
            Pass(looks ? 20 : 40, 1);
            if (looks && i % 2 == 0)
            {
                _processorTime += 1_000_000;
                _trial.Pause();
            }
        }
        Assert.That(_trial.ShouldLook(_now), Is.True);
    }

    private void Wait(int times, int asleep, int looking) => _ = Looks(times, asleep, looking);

    private int Looks(int times, int asleep, int looking)
    {
        int looks = 0;
        for (int i = 0; i < times; i++)
        {
            bool isLooking = _trial.ShouldLook(_now);
            looks += isLooking ? 1 : 0;
            Pass(isLooking ? looking : asleep, 1);
        }
        return looks;
    }

    private void Pass(int microseconds, int events, int processorTime = 10, bool preempted = false)
    {
        _now += microseconds * s_microsecond;
        _processorTime += processorTime;
        _trial.Note(_now, microseconds * s_microsecond, events, preempted);
    }
}
