using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp;

/// <summary>A pipe borrowed from a <see cref="PipePool"/>.</summary>
/// <param name="ReadEnd">The descriptor that is read from.</param>
/// <param name="WriteEnd">The descriptor that is written to; 0 for no pipe.</param>
internal readonly record struct Pipe(int ReadEnd, int WriteEnd)
{
    internal bool IsNone => WriteEnd == 0;

    /// <summary>Fills <paramref name="bytes"/> from the pipe, which has to hold as many.</summary>
    internal void Read(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint read = Libc.Read(ReadEnd, bytes);
            if (read <= 0)
                throw new InvalidOperationException($"a pipe holds {bytes.Length} bytes less than were put in: {Libc.ErrorOf(read)}");
            bytes = bytes[(int)read..];
        }
    }

    internal void Close()
    {
        Libc.Close(ReadEnd);
        Libc.Close(WriteEnd);
    }
}

/// <summary>Pipes through which the bulk directions of one loop move bytes from socket to socket without copying them. A direction has one
/// only while bytes are in it, so few pipes serve many directions; without a pipe the bytes are copied.</summary>
internal sealed class PipePool
{
    /// <summary>Bytes a pipe holds. Measured: the default of 64 KiB is no better than copying, 1 MiB no better than this.</summary>
    internal const int Capacity = 256 * 1024;

    /// <summary>The most empty pipes that are kept.</summary>
    private const int Kept = 8;

    /// <summary>Pipes of the process: a share of its descriptors that leaves most of the daemon's reserve alone.</summary>
    private static int s_limit = Math.Clamp(Libc.DescriptorLimit() / 64, 4, 32);

    private static int s_made;

    /// <summary>Pipes of the process now, empty ones included.</summary>
    internal static int Made => Volatile.Read(ref s_made);

    /// <summary>The most pipes of the process.</summary>
    internal static int Limit => Volatile.Read(ref s_limit);

    private readonly Stack<Pipe> _kept = new(Kept);

    /// <summary>An empty pipe; none if all are in use or the kernel makes none of that size.</summary>
    internal Pipe Rent()
    {
        if (_kept.TryPop(out Pipe kept))
            return kept;
        int made = Interlocked.Increment(ref s_made);
        if (made <= Limit && Libc.Pipe(out int readEnd, out int writeEnd) >= 0)
        {
            var pipe = new Pipe(readEnd, writeEnd);
            if (Libc.SetPipeSize(writeEnd, Capacity) >= Capacity)
                return pipe;
            // No more pages in pipes for the user (pipe-user-pages-soft). Asking again each time would cost more than copying.
            Volatile.Write(ref s_limit, made - 1);
            pipe.Close();
        }
        Interlocked.Decrement(ref s_made);
        return default;
    }

    /// <summary>Takes back an empty pipe.</summary>
    internal void Return(Pipe pipe)
    {
        if (_kept.Count < Kept)
            _kept.Push(pipe);
        else
            Discard(pipe);
    }

    /// <summary>Closes a pipe, with the bytes in it.</summary>
    internal static void Discard(Pipe pipe)
    {
        pipe.Close();
        Interlocked.Decrement(ref s_made);
    }

    /// <summary>Closes the kept pipes.</summary>
    internal void Empty()
    {
        while (_kept.TryPop(out Pipe pipe))
            Discard(pipe);
    }
}
