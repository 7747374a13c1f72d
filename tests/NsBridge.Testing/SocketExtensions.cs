using System.Buffers;
using System.Net.Sockets;

namespace NsBridge.Testing;

/// <summary>Sends and receives on a stream socket. Each wait ends after 30 s unless a deadline is given.</summary>
public static class SocketExtensions
{
    private const int BufferSize = 64 * 1024;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    /// <summary>Sends all of <paramref name="bytes"/>.</summary>
    public static async Task SendAllAsync(this Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancel = default)
    {
        using CancellationTokenSource deadline = Until(cancel);
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, deadline.Token)..];
    }

    /// <summary>Sends <paramref name="length"/> bytes of the <see cref="Pattern"/> from its start.</summary>
    public static async Task SendPatternAsync(this Socket socket, long length, CancellationToken cancel = default)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (long position = 0; position < length;)
            {
                Memory<byte> part = buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - position));
                Pattern.Fill(part.Span, position);
                await socket.SendAllAsync(part, cancel);
                position += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Receives exactly <paramref name="length"/> bytes.</summary>
    /// <exception cref="EndOfStreamException">The stream ended before.</exception>
    public static async Task<byte[]> ReceiveExactlyAsync(this Socket socket, int length, CancellationToken cancel = default)
    {
        using CancellationTokenSource deadline = Until(cancel);
        byte[] bytes = new byte[length];
        for (int filled = 0; filled < length;)
        {
            int received = await socket.ReceiveAsync(bytes.AsMemory(filled), deadline.Token);
            if (received == 0)
                throw new EndOfStreamException($"The stream ended after {filled} of {length} bytes.");
            filled += received;
        }
        return bytes;
    }

    /// <summary>Receives to the end of the stream and verifies it against the <see cref="Pattern"/> from its start.</summary>
    /// <returns>How many bytes came.</returns>
    public static async Task<long> ReceivePatternAsync(this Socket socket, CancellationToken cancel = default)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (long position = 0; ;)
            {
                using CancellationTokenSource deadline = Until(cancel);
                int received = await socket.ReceiveAsync(buffer, deadline.Token);
                if (received == 0)
                    return position;
                Pattern.Verify(buffer.AsSpan(0, received), position);
                position += received;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends <paramref name="bytes"/> and expects exactly them back.</summary>
    public static async Task EchoAsync(this Socket socket, byte[] bytes)
    {
        Task<byte[]> back = socket.ReceiveExactlyAsync(bytes.Length);
        await socket.SendAllAsync(bytes);
        Assert.That((await back).AsSpan().SequenceEqual(bytes), Is.True, "the echo differs from what was sent");
    }

    /// <summary>Receives and discards until the far end closes the connection, and returns how.</summary>
    /// <exception cref="OperationCanceledException">It did not end within <paramref name="deadline"/> (30 s if null).</exception>
    public static async Task<Ending> EndingAsync(this Socket socket, TimeSpan? deadline = null)
    {
        byte[] buffer = new byte[BufferSize];
        using var limit = new CancellationTokenSource(deadline ?? s_deadline);
        try
        {
            while (await socket.ReceiveAsync(buffer, limit.Token) > 0)
            {
            }
            return Ending.Closed;
        }
        catch (SocketException error) when (
            error.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown)
        {
            return Ending.Reset;
        }
    }

    /// <summary>Ends the connection by a reset.</summary>
    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    private static CancellationTokenSource Until(CancellationToken cancel)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        source.CancelAfter(s_deadline);
        return source;
    }
}
