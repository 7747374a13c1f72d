using NsBridge.Relaying.EventLoops;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.EventLoops;

[TestFixture, LeaksNothing]
internal sealed class EventLoopTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private EventLoop _loop = null!;

    [SetUp]
    public void MakeLoop() => _loop = new EventLoop(0);

    [TearDown]
    public void DisposeLoop() => _loop.Dispose();

    [Test]
    public async Task Post_FromManyThreadsAtOnce_IsNeverForgotten()
    {
        // Nothing else wakes this loop: if one wake-up is lost, its task never ends.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 20_000; i++)
                await _loop.InvokeAsync(() => { }).WaitAsync(s_deadline);
        })));
    }

    [Test]
    public async Task Post_FromOneThread_KeepsTheOrderOnTheLoopsThread()
    {
        var order = new List<int>();
        for (int i = 0; i < 1000; i++)
        {
            int number = i;
            _loop.Post(() =>
            {
                if (_loop.IsCurrent)
                    order.Add(number);
            });
        }
        await _loop.InvokeAsync(() => { }).WaitAsync(s_deadline);
        Assert.That(order, Is.EqualTo(Enumerable.Range(0, 1000)));
        Assert.That(_loop.IsCurrent, Is.False);
    }

    [Test]
    public void InvokeAsync_AFault_IsTheCallers() =>
        Assert.That(async () => await _loop.InvokeAsync(() => throw new InvalidDataException("here")), Throws.InstanceOf<InvalidDataException>());

    [Test]
    public async Task SetTimer_RunsOutNotBeforeItsTime()
    {
        var source = new TimedSource();
        long began = Environment.TickCount64;
        await _loop.InvokeAsync(() =>
        {
            _loop.Attach(source);
            _loop.SetTimer(source, 100);
        });
        await source.RanOut.Task.WaitAsync(s_deadline);
        Assert.That(Environment.TickCount64 - began, Is.GreaterThanOrEqualTo(100 - TimerWheel.TickMilliseconds));
        await _loop.InvokeAsync(() => _loop.Detach(source));
    }

    [Test]
    public async Task Yield_OfADetachedSource_DoesNotComeAndOfAnotherDoes()
    {
        var gone = new TimedSource();
        var stays = new TimedSource();
        await _loop.InvokeAsync(() =>
        {
            _loop.Attach(gone);
            _loop.Attach(stays);
            _loop.Yield(gone);
            _loop.Yield(stays);
            _loop.Yield(stays);
            _loop.Detach(gone);
        });
        await Eventually.TrueAsync(() => stays.Turns > 0, s_deadline, "a turn");
        await _loop.InvokeAsync(() => _loop.Detach(stays));
        Assert.That((gone.Turns, stays.Turns), Is.EqualTo((0, 1)));
    }

    private sealed class TimedSource : EventSource
    {
        internal TaskCompletionSource RanOut { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal int Turns;

        protected internal override void OnEvents(uint events, int end)
        {
        }

        protected internal override void OnTimer() => RanOut.SetResult();

        protected internal override void OnResume() => Interlocked.Increment(ref Turns);
    }
}
