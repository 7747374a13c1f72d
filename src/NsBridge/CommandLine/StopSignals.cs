using System.Runtime.InteropServices;

namespace NsBridge.CommandLine;

/// <summary>
/// SIGINT and SIGTERM. The first one asks the verb to end. One that repeats it at once is the same wish told twice: timeout(1), a terminal and a
/// service manager signal a process and its group. A later one is of somebody who does not want to wait any longer.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>How long after the first signal another one is its echo.</summary>
    public static readonly TimeSpan Echo = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly Lock _lock = new();
    private PosixSignalRegistration? _interrupt;
    private PosixSignalRegistration? _terminate;
    private bool _hasCome;
    private long _first;
    private volatile bool _cleansUp;

    public StopSignals(TimeProvider clock) => _clock = clock;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Listens until the process has ended: between the verb's end and that, a signal would change the exit code.</summary>
    public static StopSignals OfProcess { get; } = Listen();

    /// <summary>For a verb that leaves something behind if it is killed: no signal ends the process any more.</summary>
    /// <returns>Cancelled by a later signal.</returns>
    public CancellationToken CleanUp()
    {
        _cleansUp = true;
        return _hurry.Token;
    }

    /// <returns>Whether the process goes on; if not, it is ended as if nobody had listened.</returns>
    public bool Receive()
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_hasCome;
            if (isFirst)
                _first = _clock.GetTimestamp();
            else if (_clock.GetElapsedTime(_first) < Echo)
                return true;
            _hasCome = true;
        }

        // Not within the lock: whoever waits for it goes on in here.
        (isFirst ? _stop : _hurry).Cancel();
        return isFirst || _cleansUp;
    }

    public void Dispose()
    {
        _interrupt?.Dispose();
        _terminate?.Dispose();
        _stop.Dispose();
        _hurry.Dispose();
    }

    private static StopSignals Listen()
    {
        var signals = new StopSignals(TimeProvider.System);
        signals._interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signals.Receive);
        signals._terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signals.Receive);
        return signals;
    }

    private void Receive(PosixSignalContext signal) => signal.Cancel = Receive();
}
