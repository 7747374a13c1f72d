using NsBridge.Relaying.EventLoops;

namespace NsBridge.UnitTests.Relaying.EventLoops;

[TestFixture]
internal sealed class TimerWheelTests
{
    private const long Begin = 1_000_003;
    private const int Tick = TimerWheel.TickMilliseconds;
    private const int Turn = 1024 * Tick;

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(Tick - 1)]
    [TestCase(Tick)]
    [TestCase(Tick + 1)]
    [TestCase(Turn - 1)]
    [TestCase(Turn)]
    [TestCase(Turn + 1)]
    [TestCase(10 * Turn + 7)]
    [TestCase(24 * 3600 * 1000)]
    public void Advance_MillisecondByMillisecondAroundTheDeadline_RunsOutInTime(int delay)
    {
        var wheel = new TimerWheel(Begin);
        var timer = new RecordedTimer();
        wheel.Set(timer, Begin + delay);
        for (long now = Begin + Math.Max(0, delay - 3 * Tick); now <= Begin + delay + 2 * Tick; now++)
        {
            timer.Now = now;
            wheel.Advance(now);
        }
        Assert.That(timer.RanOutAt, Is.InRange(Begin + delay, Begin + delay + 2 * Tick));
        Assert.That(timer.Times, Is.EqualTo(1));
        Assert.That(wheel.Wait(timer.Now), Is.EqualTo(-1));
    }

    [Test]
    public void Clear_ASetTimer_NeverRunsOut()
    {
        var wheel = new TimerWheel(Begin);
        RecordedTimer[] timers = [new(), new(), new()];
        foreach (RecordedTimer timer in timers)
            wheel.Set(timer, Begin + 100);
        wheel.Clear(timers[1]);
        wheel.Clear(timers[1]);
        wheel.Advance(Begin + 1000);
        Assert.That(timers.Select(timer => timer.Times), Is.EqualTo(new[] { 1, 0, 1 }));
    }

    [Test]
    public void Set_AgainFromItsOwnCall_RunsOutOncePerAdvanceOfATick()
    {
        var wheel = new TimerWheel(Begin);
        var timer = new RecordedTimer();
        timer.Then = () => wheel.Set(timer, 0);
        wheel.Set(timer, Begin);
        for (int i = 1; i <= 100; i++)
            wheel.Advance(Begin + i * Tick);
        Assert.That(timer.Times, Is.EqualTo(100));
    }

    [Test]
    public void Wait_FollowedByTheAdvanceItAskedFor_FindsEveryTimerInTime([Random(5)] int seed)
    {
        var random = new Random(seed);
        var wheel = new TimerWheel(Begin);
        long now = Begin;
        var deadlines = new Dictionary<RecordedTimer, long>();
        for (int step = 0; step < 20_000; step++)
        {
            for (int changes = random.Next(4); changes > 0; changes--)
                Change(random, wheel, now, deadlines);

            int wait = wheel.Wait(now);
            Assert.That(wait < 0, Is.EqualTo(deadlines.Count == 0), "a timer is set, or none");
            if (wait >= 0)
                Assert.That(now + wait, Is.LessThanOrEqualTo(deadlines.Values.Min() + 2 * Tick).Or.LessThanOrEqualTo(now + Tick), "waits too long");
            // As long as it was told, as an event would end it, or far too long, as on a machine that was suspended.
            now += random.Next(100) switch
            {
                0 => random.Next(3 * Turn),
                < 50 when wait >= 0 => wait,
                _ => random.Next(3 * Tick),
            };
            foreach (RecordedTimer timer in deadlines.Keys)
                timer.Now = now;
            wheel.Advance(now);
            foreach ((RecordedTimer? timer, long deadline) in deadlines.ToList())
            {
                if (timer.Times > 0)
                {
                    Assert.That(deadline, Is.LessThanOrEqualTo(now), $"too early in step {step}");
                    deadlines.Remove(timer);
                }
                else
                {
                    Assert.That(now, Is.LessThan(deadline + 2 * Tick), $"too late in step {step}");
                }
            }
        }
    }

    private static void Change(Random random, TimerWheel wheel, long now, Dictionary<RecordedTimer, long> deadlines)
    {
        if (deadlines.Count > 0 && random.Next(3) == 0)
        {
            RecordedTimer some = deadlines.Keys.ElementAt(random.Next(deadlines.Count));
            if (random.Next(2) == 0)
            {
                wheel.Clear(some);
                deadlines.Remove(some);
            }
            else
            {
                wheel.Set(some, deadlines[some] = now + random.Next(2 * Turn));
            }
            return;
        }
        if (deadlines.Count >= 200)
            return;
        var timer = new RecordedTimer();
        wheel.Set(timer, deadlines[timer] = now + random.Next(random.Next(2) == 0 ? 500 : 3 * Turn));
    }

    private sealed class RecordedTimer : EventSource
    {
        internal long Now { get; set; }

        internal long RanOutAt { get; private set; }

        internal int Times { get; private set; }

        internal Action? Then { get; set; }

        protected internal override void OnEvents(uint events, int end) => throw new InvalidOperationException("no descriptor is watched");

        protected internal override void OnTimer()
        {
            Times++;
            RanOutAt = Now;
            Then?.Invoke();
        }
    }
}
