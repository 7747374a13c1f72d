using System.Net.Sockets;

namespace NsBridge.Logging;

/// <summary>journald's datagram socket. Event loops write to it too, so a journal that does not read must not stop them: a send waits <see
/// cref="s_sendTimeout"/> at most, and while the journal does not read, messages are counted instead of waited for.</summary>
internal sealed class JournalSocket(string path) : IDisposable
{
    public const string DefaultPath = "/run/systemd/journal/socket";
    public const string Identifier = "nsbridge";

    private static readonly TimeSpan s_sendTimeout = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly UnixDomainSocketEndPoint _journal = new(path);
    private Socket? _socket;
    private int _lost;
    private bool _disposed;

    /// <summary>Whether standard error is connected to the journal, after systemd.exec(5): <c>JOURNAL_STREAM</c> holds <c>DEVICE:INODE</c>
    /// of the service manager's stream. A shell's redirection leaves the variable set, so the variable alone proves nothing.</summary>
    public static bool IsStandardError() =>
        Matches(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), new FileInfo("/proc/self/fd/2").LinkTarget);

    /// <param name="journalStream">The variable's value, <c>DEVICE:INODE</c>.</param>
    /// <param name="linkTarget">The link in /proc of standard error; <c>socket:[INODE]</c> for a socket.</param>
    internal static bool Matches(string? journalStream, string? linkTarget) =>
        // All sockets live in the kernel's one sockfs: the inode alone identifies one.
        journalStream?.Split(':') is [_, { Length: > 0 } inode] && linkTarget == $"socket:[{inode}]";

    /// <summary>Sends one entry. Lost entries are counted, and their number is sent with the next entry that the journal takes.</summary>
    /// <returns>Whether the journal has the entry.</returns>
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
        // Twice: a restarted journald has a new socket at the same path.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                if (_socket is null)
                {
                    _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
                    {
                        SendTimeout = (int)s_sendTimeout.TotalMilliseconds,
                    };
                    _socket.Connect(_journal);
                }
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
        notice.Add("SYSLOG_IDENTIFIER", Identifier);
        return notice;
    }
}
