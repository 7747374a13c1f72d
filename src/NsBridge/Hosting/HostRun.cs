using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NsBridge.Base;
using NsBridge.Configuration.Reading;

namespace NsBridge.Hosting;

/// <summary>Runs a host to its end and distinguishes a requested stop from a fault: the host ends alike by both, and a service manager
/// does not restart a process that exits with 0.</summary>
internal static class HostRun
{
    /// <summary>The handlers of one signal run one after the other, so the host may stop before the caller knows of the signal.</summary>
    private static readonly TimeSpan s_signalLag = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs until <paramref name="stop"/>, a signal that the host handles, or a fault.</summary>
    /// <param name="host">The host.</param>
    /// <param name="afterStart">Runs after the start, also after one that failed.</param>
    /// <param name="stop">A signal that the caller handles.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> ToEndAsync(IHost host, Func<Task> afterStart, CancellationToken stop)
    {
        var asked = new TaskCompletionSource();
        await using CancellationTokenRegistration stopping = stop.Register(() => asked.TrySetResult());
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, _ => asked.TrySetResult());
        CancellationToken stopsItself = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        try
        {
            await host.StartAsync(stop);
        }
        catch (OptionsValidationException refusal)
        {
            throw ConfigurationServices.Explain(refusal);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || stopsItself.IsCancellationRequested)
        {
            // A signal during the start, which may have reached the host first. What has begun is undone in order, as at any stop.
        }
        finally
        {
            await afterStart();
        }
        await host.WaitForShutdownAsync(stop);
        await Task.WhenAny(asked.Task, Task.Delay(s_signalLag, CancellationToken.None));
        return asked.Task.IsCompleted ? ExitCode.Success : ExitCode.Failed;
    }
}
