using System.Text;
using NsBridge.Linux.Interop;
using NsBridge.Systemd;

namespace NsBridge.ComponentTests.Systemd;

/// <summary>A service manager's end of <c>NOTIFY_SOCKET</c>.</summary>
internal sealed class ListeningManager : IDisposable
{
    private readonly int _socket = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_DGRAM);

    public ListeningManager(bool isAbstract = false)
    {
        Address = isAbstract ? $"@nsbridge-{Guid.NewGuid():N}" : Path.Combine(Path.GetTempPath(), $"nsbridge-notify-{Guid.NewGuid():N}");
        int result = Libc.Bind(_socket, isAbstract ? SockAddr.FromAbstract(Encoding.UTF8.GetBytes(Address[1..])) : SockAddr.FromPath(Address));
        Assert.That(result, Is.Zero);
    }

    /// <summary>As the variable has it.</summary>
    public string Address { get; }

    /// <summary>The messages that came since the last time.</summary>
    public List<string> Read()
    {
        var messages = new List<string>();
        byte[] message = new byte[4096];
        while (Libc.Receive(_socket, message) is var length and > 0)
            messages.Add(Encoding.UTF8.GetString(message, 0, (int)length));
        return messages;
    }

    /// <summary>Sends as many messages as it takes without being read.</summary>
    public void Fill()
    {
        using NotifySocket other = NotifySocket.To(Address)!;
        int result;
        do
            result = other.Send("STATUS=of another process");
        while (result == 0);
        Assert.That(Libc.ErrorOf(result), Is.EqualTo(Errno.EAGAIN));
    }

    public void Dispose()
    {
        Libc.Close(_socket);
        if (Address[0] == '/')
            File.Delete(Address);
    }
}
