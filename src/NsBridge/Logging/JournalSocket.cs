using System.Net.Sockets;

namespace NsBridge.Logging;

/// <summary>
/// journald's datagram socket. Writers are event loops too, so a journal that does not read must not stop them: a send waits
/// <see cref="s_sendTimeout"/> at most, and while the journal stays deaf messages are counted instead of waited for.
/// </summary>
internal sealed class JournalSocket : IDisposable
{
    public const string DefaultPath = "/run/systemd/journal/socket";

    private static readonly TimeSpan s_sendTimeout = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly UnixDomainSocketEndPoint _journal;
    private Socket? _socket;
    private int _lost;
    private bool _disposed;

    public JournalSocket(string path) => _journal = new UnixDomainSocketEndPoint(path);

    /// <summary>Sends one entry; a journal that cannot take it loses it, and the loss is told with the next entry it does take.</summary>
    /// <returns>Whether the journal has it.</returns>
    public bool TrySend(JournalEntry entry)
    {
        lock (_lock)
        {
            if (_disposed)
                return false;

            if (!TrySend(entry.Bytes))
            {
                _lost++;
                return false;
            }

            if (_lost > 0 && TrySend(LossNotice(_lost).Bytes))
                _lost = 0;
            return true;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Disconnect();
        }
    }

    private bool TrySend(ReadOnlySpan<byte> datagram)
    {
        // Twice: a journal that was started anew has a new socket behind the same path.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                _socket ??= Connect();
                if (_lost > 0 && !_socket.Poll(0, SelectMode.SelectWrite))
                    return false;
                _socket.Send(datagram, SocketFlags.None);
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock or SocketError.MessageSize)
            {
                return false;
            }
            catch (SocketException)
            {
                Disconnect();
            }
        }

        return false;
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.SendTimeout = (int)s_sendTimeout.TotalMilliseconds;
            socket.Connect(_journal);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Disconnect()
    {
        _socket?.Dispose();
        _socket = null;
    }

    private static JournalEntry LossNotice(int lost)
    {
        var notice = new JournalEntry();
        notice.Add("MESSAGE", $"{lost} messages were lost while the journal did not read");
        notice.Add("PRIORITY", (int)SyslogPriority.Warning);
        notice.Add("SYSLOG_IDENTIFIER", JournalLogger.Identifier);
        return notice;
    }
}
