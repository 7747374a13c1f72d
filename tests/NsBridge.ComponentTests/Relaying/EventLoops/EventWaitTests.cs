using System.Diagnostics;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.EventLoops;

/// <summary>Looking for events before a sleep changes when they are found, and nothing else.</summary>
[TestFixture, LeaksNothing]
internal sealed class EventWaitTests
{
    private int _event;
    private EpollQueue _queue = null!;
    private EventWait _wait = null!;

    [SetUp]
    public void Open()
    {
        _queue = new EpollQueue();
        _event = Libc.EventFd();
        _wait = new EventWait();
        _queue.Add(_event, Libc.EPOLLIN, 7);
    }

    [TearDown]
    public void Close()
    {
        Libc.Close(_event);
        _queue.Dispose();
    }

    [Test]
    public void For_AnEventThatIsThere_FindsItAtOnce([Values(0, 1000, -1)] int timeout)
    {
        Raise();
        Assert.That(_wait.For(_queue, timeout), Is.EqualTo(1));
        Assert.That(_queue.Key(0), Is.EqualTo(7));
    }

    [Test]
    public void For_NoEvent_WaitsItsTime([Values] bool afterShortWaits)
    {
        if (afterShortWaits)
            WaitShortly(200);
        for (int i = 0; i < 20; i++)
        {
            var clock = Stopwatch.StartNew();
            Assert.That(_wait.For(_queue, 10), Is.Zero);
            Assert.That(clock.Elapsed, Is.GreaterThan(TimeSpan.FromMilliseconds(9)));
        }
    }

    [Test]
    public void For_EventsThatComeLate_SleepsForThem()
    {
        WaitShortly(200);
        long used = Libc.ThreadTime();
        for (int i = 0; i < 100; i++)
            Assert.That(_wait.For(_queue, 5), Is.Zero);
        // Half a second of waiting: to look all the time would take that much.
        Assert.That(TimeSpan.FromMicroseconds((Libc.ThreadTime() - used) / 1000).TotalMilliseconds, Is.LessThan(50));
    }

    [Test]
    public void For_EventsOfAnotherThread_FindsEveryOne()
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
            Assert.That(_wait.For(_queue, 5000), Is.EqualTo(1), $"round {seen}");
            Take();
        }
        raising.Join();
    }

    /// <summary>Events so close to each other that looking for them is worthwhile.</summary>
    private void WaitShortly(int times)
    {
        for (int i = 0; i < times; i++)
        {
            Raise();
            Assert.That(_wait.For(_queue, 1000), Is.EqualTo(1));
            _wait.Count(1);
            Take();
        }
    }

    private void Raise() => Libc.Write(_event, [1, 0, 0, 0, 0, 0, 0, 0]);

    private void Take()
    {
        Span<byte> counter = stackalloc byte[8];
        Assert.That((int)Libc.Read(_event, counter), Is.EqualTo(8));
    }
}
