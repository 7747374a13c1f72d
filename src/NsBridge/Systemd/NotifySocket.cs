using System.Text;
using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>The socket of the service manager, sd_notify(3). Nothing here blocks or throws. One descriptor is kept open, so that a process
/// without free descriptors can still send.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SockAddr _manager;
    private int _socket = -1;
    private bool _isDisposed;

    private NotifySocket(in SockAddr manager)
    {
        _manager = manager;
        Open();
    }

    /// <summary>The socket of the manager that started this process; null for none.</summary>
    public static NotifySocket? FromEnvironment() => To(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));

    /// <param name="address">A path, or <c>@</c> and an abstract name.</param>
    /// <returns>Null if it is neither.</returns>
    public static NotifySocket? To(string? address)
    {
        if (address is not { Length: > 1 } || address[0] is not ('/' or '@'))
            return null;
        bool isAbstract = address[0] == '@';
        byte[] name = Encoding.UTF8.GetBytes(isAbstract ? address[1..] : address);
        return name.Length >= SockAddr.UnixPathCapacity ? null
            : new NotifySocket(isAbstract ? SockAddr.FromAbstract(name) : SockAddr.FromPath(address));
    }

    /// <summary>Sends one message.</summary>
    /// <param name="message">Assignments, one a line.</param>
    /// <param name="descriptors">Sent with it; they stay open here too.</param>
    /// <returns>0, or a negated error.</returns>
    public int Send(string message, params ReadOnlySpan<int> descriptors)
    {
        lock (_lock)
        {
            int result = Open();
            // Each time: a manager that was restarted has a new socket at the same address.
            if (result >= 0)
                result = Libc.Connect(_socket, _manager);
            return result < 0 ? result : (int)Math.Min(Libc.SendDescriptors(_socket, Encoding.UTF8.GetBytes(message), descriptors), 0);
        }
    }

    private int Open()
    {
        if (_isDisposed)
            return -(int)Errno.EBADF;
        if (_socket < 0)
            _socket = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_DGRAM);
        return _socket;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            Libc.Close(_socket);
            _socket = -1;
        }
    }
}
