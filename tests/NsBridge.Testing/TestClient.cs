using System.Net;
using System.Net.Sockets;

namespace NsBridge.Testing;

/// <summary>Connections as clients make them, each within 10 s.</summary>
public static class TestClient
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    /// <summary>Connects over TCP from the host.</summary>
    /// <param name="to">The listener.</param>
    /// <param name="from">The client's own address, such as 127.0.0.2; the kernel's choice if null.</param>
    /// <exception cref="SocketException">There is no listener.</exception>
    public static Task<Socket> TcpAsync(IPEndPoint to, IPAddress? from = null)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from is not null)
            socket.Bind(new IPEndPoint(from, 0));
        return ConnectAsync(socket, to);
    }

    /// <summary>Connects to a UNIX socket.</summary>
    /// <exception cref="SocketException">There is no listener, or the file's mode forbids it.</exception>
    public static Task<Socket> UnixAsync(string path) =>
        ConnectAsync(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), new UnixDomainSocketEndPoint(path));

    /// <summary>
    /// Connects, sends nothing and returns how the far end closes the connection; a reset may come before connect(2) returns.
    /// </summary>
    public static async Task<Ending> EndingAsync(IPEndPoint to)
    {
        try
        {
            using Socket client = await TcpAsync(to);
            return await client.EndingAsync();
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            return Ending.Reset;
        }
    }

    internal static async Task<Socket> ConnectAsync(Socket socket, EndPoint to)
    {
        try
        {
            using var deadline = new CancellationTokenSource(s_deadline);
            await socket.ConnectAsync(to, deadline.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
