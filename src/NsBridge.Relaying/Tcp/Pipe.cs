using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp;

/// <summary>A pipe borrowed from a <see cref="PipePool"/>.</summary>
/// <param name="ReadEnd">Where bytes come out.</param>
/// <param name="WriteEnd">Where they go in; 0 for no pipe.</param>
internal readonly record struct Pipe(int ReadEnd, int WriteEnd)
{
    internal bool IsNone => WriteEnd == 0;

    /// <summary>Takes out as many bytes as there is room for, which have to be in the pipe.</summary>
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
