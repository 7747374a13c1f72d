using NsBridge.Base;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Expose;

/// <summary>Ends the command when the process of its namespace has ended, or when the reader of its standard output has closed
/// it.</summary>
internal sealed class EndWatch : IDisposable
{
    private const int Output = 1;

    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(100);

    private readonly bool _watchesOutput;
    private readonly int _process = -1;

    /// <param name="process">The process; 0 for none.</param>
    /// <param name="watchesOutput">Whether a closed standard output is an end.</param>
    /// <exception cref="UserErrorException">There is no such process.</exception>
    public EndWatch(int process, bool watchesOutput)
    {
        _watchesOutput = watchesOutput;
        if (process == 0)
            return;
        _process = Libc.PidFdOpen(process);
        if (_process < 0)
            throw new UserErrorException($"nsbridge expose: there is no process {process}", ExitCode.Failed);
    }

    private bool IsEnd => (_process >= 0 && Libc.HasEnded(_process))
        || (_watchesOutput && (Libc.Ready(Output, 0) & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0);

    /// <summary>Cancels <paramref name="end"/> at the end, which may come from elsewhere.</summary>
    public async Task RunAsync(CancellationTokenSource end)
    {
        if (_process < 0 && !_watchesOutput)
            return;
        while (!end.IsCancellationRequested && !IsEnd)
            await Task.Delay(s_period, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await end.CancelAsync();
    }

    public void Dispose() => Libc.Close(_process);
}
