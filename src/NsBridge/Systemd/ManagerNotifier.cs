using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>Sends the daemon's state to the service manager. The framework's own notifier blocks on a manager that does not read, and
/// throws if the manager cannot be reached, which ends the host and every connection; this one does neither. A message that cannot be sent
/// at the moment is retried in the background for a while: after a lost READY=1 the manager would kill the service.</summary>
internal sealed partial class ManagerNotifier : ISystemdNotifier, IDisposable
{
    private static readonly TimeSpan s_retryPeriod = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly NotifySocket? _manager;
    private readonly ILogger<ManagerNotifier> _log;
    private readonly TimeSpan _timeout;
    private readonly Timer _retry;
    private readonly List<Unsent> _unsent = [];
    private bool _isFaultLogged;
    private bool _isDisposed;

    /// <param name="manager">The manager's socket; null for none.</param>
    /// <param name="log">Receives failures.</param>
    /// <param name="timeout">How long a message is retried.</param>
    public ManagerNotifier(NotifySocket? manager, ILogger<ManagerNotifier> log, TimeSpan timeout)
    {
        _manager = manager;
        _log = log;
        _timeout = timeout;
        _retry = new Timer(_ => SendAll());
    }

    public bool IsEnabled => _manager is not null;

    public void Notify(ServiceState state)
    {
        string message = state.ToString();
        string variable = message[..message.IndexOf('=', StringComparison.Ordinal)];
        lock (_lock)
        {
            // Only the newest value counts, but it keeps the queue position and the start time of the first.
            int index = _unsent.FindIndex(unsent => unsent.Variable == variable);
            if (index < 0)
                _unsent.Add(new Unsent(variable, message, Environment.TickCount64));
            else
                _unsent[index] = _unsent[index] with { Message = message };
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
                if (IsTransient(result) && Environment.TickCount64 - first.Since < _timeout.TotalMilliseconds)
                {
                    _retry.Change(s_retryPeriod, Timeout.InfiniteTimeSpan);
                    return;
                }
                _unsent.RemoveAt(0);
                if (result < 0 && !_isFaultLogged)
                    CannotSend(first.Variable, Libc.ErrorOf(result));
                _isFaultLogged = result < 0;
            }
        }
    }

    /// <summary>The manager's queue is full, or this process or the machine is short of memory or descriptors.</summary>
    private static bool IsTransient(int result) =>
        result < 0 && Libc.ErrorOf(result) is Errno.EAGAIN or Errno.ENOBUFS or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE;

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _retry.Dispose();
    }

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning,
        Message = "The service manager cannot be reached ({Variable}=: {Error}). Bridges continue; it may consider the service dead")]
    private partial void CannotSend(string variable, Errno error);

    private readonly record struct Unsent(string Variable, string Message, long Since);
}
