using System.Net.Sockets;
using System.Text;

namespace NsBridge.ComponentTests.Logging;

/// <summary>Stands where journald's socket would be.</summary>
internal sealed class ReceivingJournal : IDisposable
{
    private Socket _socket;

    public ReceivingJournal()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"nsbridge-journal-{Guid.NewGuid():N}");
        _socket = Bind();
    }

    public string Path { get; }

    /// <summary>Fields of the next entry; those with a line break are not taken apart.</summary>
    public Dictionary<string, string> Receive()
    {
        byte[] buffer = new byte[128 * 1024];
        int length = _socket.Receive(buffer);
        return Encoding.UTF8.GetString(buffer, 0, length)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=', 2))
            .ToDictionary(field => field[0], field => field.Length == 2 ? field[1] : "");
    }

    public void Restart()
    {
        Dispose();
        _socket = Bind();
    }

    public void Dispose()
    {
        _socket.Dispose();
        File.Delete(Path);
    }

    private Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };
        socket.Bind(new UnixDomainSocketEndPoint(Path));
        return socket;
    }
}
