using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges.Lifecycle;

namespace NsBridge.Hosting;

/// <summary>Runs a step so that its unexpected failure ends nothing else: it is logged as critical, each kind once. Live connections are
/// worth more than a clean crash, and a stop still has listeners to close and connections to hand over.</summary>
internal sealed partial class StepGuard(ILogger log)
{
    private readonly HashSet<string> _logged = [];

    /// <param name="step">What is done, for the log: <c>recover bridge 'web'</c>.</param>
    /// <param name="action">The step.</param>
    public async Task RunAsync(string step, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception fault)
        {
            lock (_logged)
            {
                if (!_logged.Add($"{step}: {fault.GetType()}: {ErrorText.Of(fault)}"))
                    return;
            }
            Unexpected(log, fault, step);
        }
    }

    /// <summary>Runs one step for all bridges at once.</summary>
    public Task ForAllAsync(string step, IEnumerable<Bridge> bridges, Func<Bridge, Task> action) =>
        Task.WhenAll(bridges.Select(bridge => RunAsync($"{step} bridge '{bridge.Settings.Name}'", () => action(bridge))));

    [LoggerMessage(EventId = 1111, Level = LogLevel.Critical,
        Message = "Cannot {Step}: an unexpected fault, a defect of nsbridge. Everything else goes on")]
    private static partial void Unexpected(ILogger log, Exception fault, string step);
}
