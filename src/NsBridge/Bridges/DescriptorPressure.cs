using Microsoft.Extensions.Logging;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>
/// Knows when the process is about to run out of descriptors. The kernel gives the lowest free number, so a high number says
/// that all below are in use: no counting is needed.
/// </summary>
internal sealed partial class DescriptorPressure(ILogger<DescriptorPressure> log)
{
    private const int SmallestReserve = 16;
    private const int LargestReserve = 128;

    private readonly int _limit = Libc.DescriptorLimit();
    private int _pressed;

    /// <summary>Descriptors kept for what must go on: dialling for those who are in, status, reload.</summary>
    public int Reserve => Math.Clamp(_limit / 16, SmallestReserve, LargestReserve);

    /// <summary>Whether a descriptor just got says that no more clients should be let in.</summary>
    public bool IsNear(int descriptor) => descriptor >= _limit - Reserve;

    /// <summary>Accepting pauses.</summary>
    /// <param name="error">What the kernel said, or EMFILE where the reserve is reached.</param>
    public void Press(Errno error)
    {
        if (Interlocked.Exchange(ref _pressed, 1) == 0)
            Paused(error, _limit);
    }

    /// <summary>A client was accepted with descriptors to spare.</summary>
    public void Relax()
    {
        if (Volatile.Read(ref _pressed) != 0 && Interlocked.Exchange(ref _pressed, 0) == 1)
            Resumed();
    }

    [LoggerMessage(EventId = 1201, Level = LogLevel.Warning,
        Message = "Out of descriptors or memory ({Error}; this process may open {Limit} files): new clients wait until connections end. Raise LimitNOFILE= if this is usual")]
    private partial void Paused(Errno error, int limit);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Information, Message = "Descriptors are free again: accepting clients")]
    private partial void Resumed();
}
