using System.Diagnostics;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.UnitTests.Relaying.EventLoops;

/// <summary>A loop polls for events if they come faster that way, and only then.</summary>
[TestFixture]
internal sealed class BusyPollTrialTests
{
    private static readonly long s_microsecond = Stopwatch.Frequency / 1_000_000;

    /// <summary>As many as decide a trial: the first one only shows the processor time before it.</summary>
    private const int WholeTrial = BusyPoll.Waits + 1;

    private BusyPoll _poll = null!;
    private long _now;
    private long _processorTime;

    [SetUp]
    public void Begin()
    {
        _processorTime = 0;
        _poll = new BusyPoll(mayPoll: true, () => _processorTime);
        _now = Stopwatch.Frequency;
    }

    [TestCase(40, 20, true)]
    [TestCase(40, 32, true)]
    [TestCase(40, 35, false)]
    [TestCase(40, 40, false)]
    [TestCase(40, 60, false)]
    public void ShouldPoll_AfterATrial_IsWhetherThatWasFaster(int asleep, int polling, bool expected)
    {
        Wait(WholeTrial, asleep, polling);
        Assert.That(Polls(1000, asleep, polling), Is.EqualTo(expected ? 1000 : 0));
    }

    [TestCase(40, 10, true)]
    [TestCase(40, 20, true)]
    [TestCase(40, 26, false)]
    public void ShouldPoll_ForMoreProcessorTime_IsWhetherTheSpeedIsMoreThanThat(int asleep, int polling, bool expected)
    {
        // Polling takes all the time it lasts, a sleep a third of it.
        for (int i = 0; i < WholeTrial; i++)
        {
            bool polls = _poll.ShouldPoll(_now);
            Pass(polls ? polling : asleep, 1, processorTime: polls ? polling : asleep / 3);
        }
        Assert.That(_poll.ShouldPoll(_now), Is.EqualTo(expected));
    }

    [Test]
    public void ShouldPoll_SlowAtTheBeginningOfEachTurn_IsWhatComesAfterIt()
    {
        // A processor that was asleep takes its time until it is awake.
        for (int i = 0; i < WholeTrial; i++)
        {
            bool hasBegun = i % BusyPoll.Turn < BusyPoll.Turn / 2;
            Pass(_poll.ShouldPoll(_now) && !hasBegun ? 28 : 40, 1);
        }
        Assert.That(_poll.ShouldPoll(_now), Is.True);
    }

    [Test]
    public void ShouldPoll_MoreEventsAtATimeWithoutIt_IsNotWorthwhile()
    {
        // Twice as many waits in the same time, each with half as much to do.
        for (int i = 0; i < WholeTrial; i++)
        {
            bool polls = _poll.ShouldPoll(_now);
            Pass(polls ? 20 : 40, polls ? 1 : 2);
        }
        Assert.That(Polls(1000, 40, 20), Is.Zero);
    }

    [Test]
    public void ShouldPoll_WhileItIsTried_PollsInHalfOfTheWaits()
    {
        Assert.That(Polls(WholeTrial, 40, 40), Is.EqualTo(BusyPoll.Waits / 2));
    }

    [TestCase(20, 40)]
    [TestCase(40, 20)]
    public void ShouldPoll_WhatChanged_IsFoundAgain(int before, int after)
    {
        Wait(WholeTrial, 30, before);
        _now += 10 * Stopwatch.Frequency;
        Wait(WholeTrial, 30, after);
        Assert.That(_poll.ShouldPoll(_now), Is.EqualTo(after < before));
    }

    [Test]
    public void ShouldPoll_NeverWorthwhile_CostsLittle()
    {
        // Each poll in vain takes 50 µs more.
        long end = _now + 60 * Stopwatch.Frequency;
        int polls = 0;
        while (_now < end)
            polls += Polls(1, 40, 90);
        Assert.That(polls * 50e-6 / 60, Is.LessThan(0.005));
    }

    [Test]
    public void ShouldPoll_AlwaysWorthwhile_IsSeldomTriedAgain()
    {
        long end = _now + 60 * Stopwatch.Frequency;
        long asleep = 0;
        while (_now < end)
        {
            long before = _now;
            if (Polls(1, 100, 30) == 0)
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
            if (_poll.ShouldPoll(_now) && i % 8 == 0)
                Pass(5000, 1);
        }
        Assert.That(Polls(1000, 40, 20), Is.EqualTo(1000));
    }

    [Test]
    public void Note_APollThatKeptAnotherFromTheProcessor_DoesCount()
    {
        for (int i = 0; i < WholeTrial; i++)
        {
            bool polls = _poll.ShouldPoll(_now);
            bool isLong = polls && i % 32 == 0;
            Pass(isLong ? 3000 : polls ? 20 : 40, 1, preempted: isLong);
        }
        Assert.That(_poll.ShouldPoll(_now), Is.False);
    }

    [Test]
    public void Note_PreemptedWherePollsPaid_TriesAgain()
    {
        Wait(WholeTrial, 40, 20);
        // The longest rest, and half of it again.
        for (int seconds = 0; seconds < 6; seconds++)
            Wait(1_000_000 / 20, 40, 20);
        Wait(WholeTrial, 40, 20);
        Assert.That(Polls(1000, 40, 20), Is.EqualTo(1000), "it rests");
        _now += Stopwatch.Frequency;
        Pass(3000, 1, preempted: true);
        Assert.That(Polls(WholeTrial, 40, 60), Is.EqualTo(BusyPoll.Waits / 2));
        Assert.That(Polls(1000, 40, 60), Is.Zero);
    }

    [Test]
    public void Note_AfterAPause_DoesNotCountTheProcessorTimeOfIt()
    {
        for (int i = 0; i < WholeTrial + BusyPoll.Waits; i++)
        {
            bool polls = _poll.ShouldPoll(_now);
            Pass(polls ? 20 : 40, 1);
            if (polls && i % 2 == 0)
            {
                _processorTime += 1_000_000;
                _poll.Pause();
            }
        }
        Assert.That(_poll.ShouldPoll(_now), Is.True);
    }

    private void Wait(int times, int asleep, int polling) => _ = Polls(times, asleep, polling);

    private int Polls(int times, int asleep, int polling)
    {
        int polls = 0;
        for (int i = 0; i < times; i++)
        {
            bool isPolling = _poll.ShouldPoll(_now);
            polls += isPolling ? 1 : 0;
            Pass(isPolling ? polling : asleep, 1);
        }
        return polls;
    }

    private void Pass(int microseconds, int events, int processorTime = 10, bool preempted = false)
    {
        _now += microseconds * s_microsecond;
        _processorTime += processorTime;
        _poll.Note(_now, microseconds * s_microsecond, events, preempted);
    }
}
