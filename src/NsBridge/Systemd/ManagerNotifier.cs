using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>
/// Tells the service manager how the daemon is. The framework's own notifier waits for a manager that does not read, and throws where it cannot
/// be reached, which ends the host and every connection; this one does neither. What the manager cannot take at the moment is tried again for a
/// while, in the background: a READY=1 that is lost would have the service killed.
/// </summary>
internal sealed partial class ManagerNotifier : ISystemdNotifier, IDisposable
{
    private static readonly TimeSpan s_retryPeriod = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly NotifySocket? _manager;
    private readonly ILogger<ManagerNotifier> _log;
    private readonly TimeSpan _patience;
    private readonly Timer _retry;
    private readonly List<Unsent> _unsent = [];
    private bool _isFaultTold;
    private bool _isDisposed;

    /// <param name="manager">The way to it; null where there is none.</param>
    /// <param name="log">Told of what could not be sent.</param>
    /// <param name="patience">How long something is tried again.</param>
    public ManagerNotifier(NotifySocket? manager, ILogger<ManagerNotifier> log, TimeSpan patience)
    {
        _manager = manager;
        _log = log;
        _patience = patience;
        _retry = new Timer(_ => SendAll());
    }

    public bool IsEnabled => _manager is not null;

    public void Notify(ServiceState state)
    {
        string message = state.ToString();
        string variable = message[..message.IndexOf('=', StringComparison.Ordinal)];
        lock (_lock)
        {
            // Only the newest value counts, but it waits in the place of the first: the patience is for all of them together.
            int place = _unsent.FindIndex(unsent => unsent.Variable == variable);
            if (place < 0)
                _unsent.Add(new Unsent(variable, message, Environment.TickCount64));
            else
                _unsent[place] = _unsent[place] with { Message = message };
            SendAll();
        }
    }

    private void SendAll()
    {
        lock (_lock)
        {
            while (!_isDisposed && _unsent is [var first, ..])
            {
                int result = _manager?.Send(first.Message) ?? 0;
                if (IsPassing(result) && Environment.TickCount64 - first.Since < _patience.TotalMilliseconds)
                {
                    _retry.Change(s_retryPeriod, Timeout.InfiniteTimeSpan);
                    return;
                }
                _unsent.RemoveAt(0);
                if (result < 0 && !_isFaultTold)
                    NotTold(first.Variable, Libc.ErrorOf(result));
                _isFaultTold = result < 0;
            }
        }
    }

    /// <summary>Its queue is full, or this process or the machine is short of something.</summary>
    private static bool IsPassing(int result) =>
        result < 0 && Libc.ErrorOf(result) is Errno.EAGAIN or Errno.ENOBUFS or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE;

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _retry.Dispose();
    }

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning,
        Message = "The service manager cannot be told how this service is ({Variable}=: {Error}). Bridges go on; the manager may take the service for dead")]
    private partial void NotTold(string variable, Errno error);

    private readonly record struct Unsent(string Variable, string Message, long Since);
}
