using System.Runtime.InteropServices;
using NsBridge.Base;

namespace NsBridge.CommandLine;

/// <summary>SIGINT and SIGTERM. The first one asks the command to end, and ends the process if the command does not: it may be blocked in
/// the kernel, by a file, a pipe or a connection. A signal that follows at once repeats the first: timeout(1), a terminal and a service
/// manager signal a process and its group. A later one asks the daemon, which has more time, not to wait any longer.</summary>
internal sealed class StopSignals(TimeProvider clock, Action endProcess) : IDisposable
{
    /// <summary>How long after the first signal another one repeats it.</summary>
    public static readonly TimeSpan Echo = TimeSpan.FromSeconds(1);

    /// <summary>How long a command may take to end after the first signal. The promise is 0.5 s, with the end of the process.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(400);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly Lock _lock = new();
    private IDisposable[] _signals = [];
    private ITimer? _timer;
    private bool _hasCome;
    private long _first;
    private volatile bool _isDaemon;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Handles signals until the process has ended: after the command's end a signal would change the exit code.</summary>
    public static StopSignals OfProcess { get; } = Listen();

    /// <summary>For the daemon, which ends in its own time.</summary>
    /// <returns>Cancelled by a later signal.</returns>
    public CancellationToken Daemon()
    {
        _isDaemon = true;
        return _hurry.Token;
    }

    public void Receive()
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_hasCome;
            if (isFirst)
                _first = clock.GetTimestamp();
            else if (clock.GetElapsedTime(_first) < Echo)
                return;
            _hasCome = true;
            if (isFirst && !_isDaemon)
                _timer = clock.CreateTimer(_ => endProcess(), null, Grace, Timeout.InfiniteTimeSpan);
        }
        // Outside the lock: the token's callbacks run here.
        (isFirst ? _stop : _hurry).Cancel();
    }

    public void Dispose()
    {
        foreach (IDisposable signal in _signals)
            signal.Dispose();
        _timer?.Dispose();
        _stop.Dispose();
        _hurry.Dispose();
    }

    private static StopSignals Listen()
    {
        var signals = new StopSignals(TimeProvider.System, () => Environment.Exit(ExitCode.Failed));
        signals._signals = [Register(PosixSignal.SIGINT), Register(PosixSignal.SIGTERM)];
        return signals;

        PosixSignalRegistration Register(PosixSignal signal) => PosixSignalRegistration.Create(signal, received =>
        {
            received.Cancel = true;
            signals.Receive();
        });
    }
}
