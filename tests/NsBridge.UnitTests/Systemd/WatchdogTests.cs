using Microsoft.Extensions.Logging;
using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

internal sealed class WatchdogTests
{
    [Test]
    public async Task Run_LoopsAnswer_FeedsTheManager()
    {
        var manager = new RecordingNotifier();
        using var watchdog = new Watchdog(new Loops(), manager, new SilenceWatch(), TimeSpan.FromMilliseconds(60));
        await watchdog.StartAsync(CancellationToken.None);
        for (int beat = 0; beat < 3; beat++)
            Assert.That(await manager.NextAsync(), Is.EqualTo("WATCHDOG=1"));
        await watchdog.StopAsync(CancellationToken.None);
    }

    [Test]
    public async Task Run_ALoopIsStuck_IsSilentAndSaysWhy()
    {
        var manager = new RecordingNotifier();
        var loops = new Loops();
        var log = new SilenceWatch();
        loops.Stick();
        using var watchdog = new Watchdog(loops, manager, log, TimeSpan.FromMilliseconds(60));
        await watchdog.StartAsync(CancellationToken.None);
        await log.Silence.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.That(manager.States.TryRead(out _), Is.False);

        loops.Go();
        Assert.That(await manager.NextAsync(), Is.EqualTo("WATCHDOG=1"), "a loop that comes back is fed again");
        await watchdog.StopAsync(CancellationToken.None);
    }

    [Test]
    public async Task Stop_WhileALoopIsStuck_IsPrompt()
    {
        var loops = new Loops();
        loops.Stick();
        using var watchdog = new Watchdog(loops, new RecordingNotifier(), new SilenceWatch(), TimeSpan.FromHours(1));
        await watchdog.StartAsync(CancellationToken.None);
        await watchdog.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Run_ManagerDoesNotWatch_Ends()
    {
        using var watchdog = new Watchdog(new Loops(), new RecordingNotifier(), new SilenceWatch(), watched: null);
        await watchdog.StartAsync(CancellationToken.None);
        await watchdog.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private sealed class Loops : IHeartbeat
    {
        private TaskCompletionSource? _stuck;

        public void Stick() => _stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Go() => _stuck?.SetResult();

        public Task BeatAsync(CancellationToken cancellationToken) => _stuck?.Task ?? Task.CompletedTask;
    }

    private sealed class SilenceWatch : ILogger<Watchdog>
    {
        private readonly TaskCompletionSource _silence = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Silence => _silence.Task;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _silence.TrySetResult();
    }
}
