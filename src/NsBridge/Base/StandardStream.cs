using NsBridge.Linux.Interop;

namespace NsBridge.Base;

/// <summary>
/// Writes to a standard descriptor. The framework's own stream takes a reader that has gone for a success, so that <c>status --watch | head</c>
/// would go on for ever.
/// </summary>
/// <param name="descriptor">1 or 2; negative where it was closed at the start.</param>
/// <param name="refuse">Takes why something cannot be written; what it throws, the writer sees.</param>
internal sealed class StandardStream(int descriptor, Action<Errno> refuse) : Stream
{
    /// <summary>A terminal or pipe that another process made non-blocking is full for a moment only.</summary>
    private static readonly TimeSpan s_fullPause = TimeSpan.FromMilliseconds(5);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            nint written = descriptor < 0 ? -(nint)(int)Errno.EBADF : Libc.Write(descriptor, buffer);
            if (written == -(nint)(int)Errno.EAGAIN)
            {
                Thread.Sleep(s_fullPause);
                continue;
            }

            if (written < 0)
            {
                refuse(Libc.ErrorOf(written));
                return;
            }

            buffer = buffer[(int)written..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
