using System.Diagnostics;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.EventLoops;

/// <summary>Polling before a sleep changes when events are found, and nothing else.</summary>
[TestFixture, LeaksNothing]
internal sealed class BusyPollTests
{
    private int _event;
    private EpollQueue _queue = null!;
    private BusyPoll _poll = null!;

    [SetUp]
    public void Open()
    {
        _queue = new EpollQueue();
        _event = Libc.EventFd();
        _poll = new BusyPoll(mayPoll: true);
        _queue.Add(_event, Libc.EPOLLIN, 7);
    }

    [TearDown]
    public void Close()
    {
        Libc.Close(_event);
        _queue.Dispose();
    }

    [Test]
    public void Wait_AnEventThatIsThere_FindsItAtOnce([Values(0, 1000, -1)] int timeout)
    {
        Raise();
        Assert.That(_poll.Wait(_queue, timeout), Is.EqualTo(1));
        Assert.That(_queue.Key(0), Is.EqualTo(7));
    }

    [Test]
    public void Wait_NoEvent_LastsItsTime([Values] bool afterShortSleeps)
    {
        if (afterShortSleeps)
            SleepShortly(200);
        for (int i = 0; i < 20; i++)
        {
            var clock = Stopwatch.StartNew();
            Assert.That(_poll.Wait(_queue, 10), Is.Zero);
            Assert.That(clock.Elapsed, Is.GreaterThan(TimeSpan.FromMilliseconds(9)));
        }
    }

    [Test]
    public void Wait_EventsThatComeLate_SleepsForThem()
    {
        SleepShortly(200);
        long used = Libc.ThreadTime();
        for (int i = 0; i < 100; i++)
            Assert.That(_poll.Wait(_queue, 5), Is.Zero);
        // Half a second of waiting: polling all the time would take that much.
        Assert.That(TimeSpan.FromMicroseconds((Libc.ThreadTime() - used) / 1000).TotalMilliseconds, Is.LessThan(50));
    }

    [Test]
    public void Wait_WithoutPolling_AsksTheQueueOncePerEvent()
    {
        var queue = new CountingQueue();
        var poll = new BusyPoll(mayPoll: false);
        for (int i = 0; i < 4 * BusyPoll.Waits; i++)
        {
            Assert.That(poll.Wait(queue, 1000), Is.EqualTo(1));
            poll.Count(1);
        }
        Assert.That(queue.Waits, Is.EqualTo(4 * BusyPoll.Waits));
    }

    [Test]
    public void Wait_EventsOfAnotherThread_FindsEveryOne()
    {
        const int rounds = 20_000;
        int raised = 0;
        int seen = 0;
        var raising = new Thread(() =>
        {
            for (; raised < rounds; raised++)
            {
                while (Volatile.Read(ref seen) < raised)
                    Thread.Yield();
                Raise();
            }
        });
        raising.Start();
        for (; seen < rounds; Volatile.Write(ref seen, seen + 1))
        {
            Assert.That(_poll.Wait(_queue, 5000), Is.EqualTo(1), $"round {seen}");
            Take();
        }
        raising.Join();
    }

    /// <summary>Events so close together that polling may pay.</summary>
    private void SleepShortly(int times)
    {
        for (int i = 0; i < times; i++)
        {
            Raise();
            Assert.That(_poll.Wait(_queue, 1000), Is.EqualTo(1));
            _poll.Count(1);
            Take();
        }
    }

    private void Raise() => Libc.Write(_event, [1, 0, 0, 0, 0, 0, 0, 0]);

    private void Take()
    {
        Span<byte> counter = stackalloc byte[8];
        Assert.That((int)Libc.Read(_event, counter), Is.EqualTo(8));
    }

    /// <summary>Has no event without a timeout and one with it.</summary>
    private sealed class CountingQueue : IEventQueue
    {
        internal int Waits { get; private set; }

        public int Wait(int milliseconds)
        {
            Waits++;
            return milliseconds == 0 ? 0 : 1;
        }
    }
}
