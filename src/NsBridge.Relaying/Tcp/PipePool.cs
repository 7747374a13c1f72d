using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp;

/// <summary>
/// Pipes through which the bulk directions of one loop move bytes from socket to socket without copying them. A direction has one while
/// bytes are in it and no longer, so few serve many; where there is none the bytes are copied.
/// </summary>
internal sealed class PipePool
{
    /// <summary>Bytes a pipe holds. Measured: 64 KiB, the kernel's default, is no better than copying, and 512 KiB or 1 MiB no better than this.</summary>
    internal const int Capacity = 256 * 1024;

    /// <summary>The most empty pipes that wait for the next borrower.</summary>
    private const int Kept = 8;

    /// <summary>Pipes of the process: a share of its descriptors that leaves most of the daemon's reserve alone.</summary>
    private static int s_limit = Math.Clamp(Libc.DescriptorLimit() / 64, 4, 32);

    private static int s_made;

    /// <summary>Pipes of the process that hold bytes or wait for some.</summary>
    internal static int Made => Volatile.Read(ref s_made);

    /// <summary>The most pipes the process has at a time.</summary>
    internal static int Limit => Volatile.Read(ref s_limit);

    private readonly Stack<Pipe> _kept = new(Kept);

    /// <summary>An empty pipe; none where all are in use or the kernel gives none of that size.</summary>
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
            // The user may not have more pages in pipes (pipe-user-pages-soft). To ask again for every piece would cost more than copying it.
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

    /// <summary>Ends a pipe, with what is in it.</summary>
    internal static void Discard(Pipe pipe)
    {
        pipe.Close();
        Interlocked.Decrement(ref s_made);
    }

    /// <summary>Closes the empty pipes, when nobody is left who could borrow one.</summary>
    internal void Empty()
    {
        while (_kept.TryPop(out Pipe pipe))
            Discard(pipe);
    }
}
