using System.Buffers;
using System.Net.Sockets;
using System.Text;

namespace NsBridge.Testing;

/// <summary>What a <see cref="TargetServer"/> does with each connection.</summary>
public static class Serve
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Sends back what comes, and ends when the client's half ends.</summary>
    public static async Task Echo(Socket connection, CancellationToken cancel)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            if (connection.ProtocolType == ProtocolType.Tcp)
                connection.NoDelay = true;
            while (await connection.ReceiveAsync(buffer, cancel) is > 0 and var received)
            {
                for (int sent = 0; sent < received;)
                    sent += await connection.SendAsync(buffer.AsMemory(sent, received - sent), cancel);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Speaks first, then echoes.</summary>
    public static Func<Socket, CancellationToken, Task> Greeting(string text) => async (connection, cancel) =>
    {
        await connection.SendAsync(Encoding.UTF8.GetBytes(text), cancel);
        await Echo(connection, cancel);
    };

    /// <summary>Sends <paramref name="length"/> bytes of the <see cref="Pattern"/> and closes; the client's bytes are not read.</summary>
    /// <param name="length">How many bytes.</param>
    /// <param name="sent">Called with each number of bytes that the kernel has taken.</param>
    public static Func<Socket, CancellationToken, Task> Source(long length, Action<int>? sent = null) => async (connection, cancel) =>
    {
        byte[] buffer = new byte[BufferSize];
        for (long position = 0; position < length;)
        {
            Memory<byte> part = buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - position));
            Pattern.Fill(part.Span, position);
            int taken = await connection.SendAsync(part, cancel);
            sent?.Invoke(taken);
            position += taken;
        }
    };

    /// <summary>Keeps the connection open and neither reads nor writes.</summary>
    public static Task Nothing(Socket connection, CancellationToken cancel) => Task.Delay(Timeout.Infinite, cancel);

    /// <summary>Resets the connection as soon as <paramref name="length"/> bytes have come.</summary>
    public static Func<Socket, CancellationToken, Task> ResetAfter(int length) => async (connection, cancel) =>
    {
        await connection.ReceiveExactlyAsync(length, cancel);
        connection.Reset();
    };
}
