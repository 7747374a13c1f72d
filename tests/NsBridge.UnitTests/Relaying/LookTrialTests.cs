using System.Diagnostics;
using NsBridge.Relaying;

namespace NsBridge.UnitTests.Relaying;

/// <summary>Events are looked for where they come faster that way, and only there.</summary>
[TestFixture]
internal sealed class LookTrialTests
{
    private static readonly long s_microsecond = Stopwatch.Frequency / 1_000_000;

    private LookTrial _trial = null!;
    private long _now;

    [SetUp]
    public void Begin()
    {
        _trial = new LookTrial();
        _now = Stopwatch.Frequency;
    }

    [TestCase(40, 20, true)]
    [TestCase(40, 32, true)]
    [TestCase(40, 35, false)]
    [TestCase(40, 40, false)]
    [TestCase(40, 60, false)]
    public void ShouldLook_AfterATrial_IsWhetherThatWasFaster(int asleep, int looking, bool expected)
    {
        Wait(LookTrial.Waits, asleep, looking);
        Assert.That(Looks(1000, asleep, looking), Is.EqualTo(expected ? 1000 : 0));
    }

    [Test]
    public void ShouldLook_MoreEventsAtATimeWithoutIt_IsNotWorthwhile()
    {
        // Twice as many waits in the same time, each with half as much to do.
        for (var i = 0; i < LookTrial.Waits; i++)
        {
            var looks = _trial.ShouldLook(_now);
            Pass(looks ? 20 : 40, looks ? 1 : 2);
        }
        Assert.That(Looks(1000, 40, 20), Is.Zero);
    }

    [Test]
    public void ShouldLook_WhileItIsTried_LooksInHalfOfTheWaits()
    {
        Assert.That(Looks(LookTrial.Waits, 40, 40), Is.EqualTo(LookTrial.Waits / 2));
    }

    [TestCase(20, 40)]
    [TestCase(40, 20)]
    public void ShouldLook_WhatChanged_IsFoundAgain(int before, int after)
    {
        Wait(LookTrial.Waits, 30, before);
        _now += 10 * Stopwatch.Frequency;
        Wait(LookTrial.Waits, 30, after);
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
    public void Note_AWaitForSomethingElse_DoesNotCount()
    {
        for (var i = 0; i < LookTrial.Waits; i++)
        {
            Wait(1, 40, 20);
            // The client thinks.
            if (_trial.ShouldLook(_now) && i % 8 == 0)
                Pass(5000, 1);
        }
        Assert.That(Looks(1000, 40, 20), Is.EqualTo(1000));
    }

    [Test]
    public void Fail_WhileLooking_EndsTheTrial()
    {
        Wait(LookTrial.Turn + 1, 40, 20);
        Assert.That(_trial.ShouldLook(_now), Is.True);
        _trial.Fail(_now);
        Assert.That(Looks(1000, 40, 20), Is.Zero);
    }

    private void Wait(int times, int asleep, int looking) => _ = Looks(times, asleep, looking);

    private int Looks(int times, int asleep, int looking)
    {
        var looks = 0;
        for (var i = 0; i < times; i++)
        {
            var isLooking = _trial.ShouldLook(_now);
            looks += isLooking ? 1 : 0;
            Pass(isLooking ? looking : asleep, 1);
        }
        return looks;
    }

    private void Pass(int microseconds, int events)
    {
        _now += microseconds * s_microsecond;
        _trial.Note(_now, microseconds * s_microsecond, events);
    }
}
