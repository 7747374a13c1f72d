using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace NsBridge.Namespaces.Containers;

/// <summary>
/// One GET over a UNIX socket. The framework's HTTP client would make the executable half as large again for it, with TLS, proxies and name look-up that
/// have no place in this program.
/// </summary>
internal static class UnixHttp
{
    private const int LongestAnswer = 4 << 20;

    /// <summary>Asks for <paramref name="path"/>.</summary>
    /// <returns>The status and the body.</returns>
    /// <exception cref="IOException">Nobody answers, or not in HTTP; says why.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not ask.</exception>
    public static async Task<(int Status, ReadOnlyMemory<byte> Body)> GetAsync(string socketPath, string path, CancellationToken cancel)
    {
        using Socket socket = await ConnectAsync(socketPath, cancel);
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        // HTTP/1.0: the body then ends with the connection and comes in one piece.
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n"), cancel);
        var answer = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, cancel)) > 0;)
        {
            answer.Write(buffer, 0, read);
            if (answer.Length > LongestAnswer)
                throw new IOException("its answer is too long");
        }
        return Split(answer.ToArray());
    }

    private static async Task<Socket> ConnectAsync(string path, CancellationToken cancel)
    {
        Socket? socket = null;
        try
        {
            // Fails where no descriptor is left.
            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return socket;
        }
        catch (Exception fault)
        {
            socket?.Dispose();
            if (fault is SocketException { SocketErrorCode: SocketError.AccessDenied })
                throw new UnauthorizedAccessException("this user may not ask it (EACCES)", fault);
            if (fault is SocketException { SocketErrorCode: var error })
                throw new IOException($"it cannot be asked: {error}", fault);
            throw;
        }
    }

    private static (int Status, ReadOnlyMemory<byte> Body) Split(byte[] answer)
    {
        int head = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        // HTTP/1.x SSS ...
        if (head < 12 || !answer.AsSpan().StartsWith("HTTP/1."u8)
            || !int.TryParse(answer.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new IOException("its answer is not HTTP");
        }
        return (status, answer.AsMemory(head + 4));
    }
}
