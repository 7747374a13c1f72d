using Microsoft.Extensions.Hosting;
using NsBridge.Linux;

namespace NsBridge.Hosting;

/// <summary>Collects the garbage of reading the configuration and of building the host, once: nothing else would collect it for hours.
/// Then unmaps the code and the constants that only the start has used.</summary>
internal sealed class StartMemory(IHostApplicationLifetime lifetime) : BackgroundService
{
    /// <summary>New threads still hold the objects of their start.</summary>
    private static readonly TimeSpan s_settling = TimeSpan.FromMilliseconds(100);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration whenStarted = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await Task.Delay(s_settling, stoppingToken);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ProgramImage.Release();
    }
}
