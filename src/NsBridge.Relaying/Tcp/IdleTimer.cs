using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

/// <summary>When a connection last made progress: a byte passed, or a peer acknowledged bytes out of the kernel's queues.</summary>
/// <remarks>The kernel keeps megabytes for a slow reader, and reports progress only once a third of that is gone. So while peers have
/// unacknowledged bytes, their progress is checked several times in an idle timeout. Bytes do not set the timer: when it expires, it
/// checks how long ago the last one was.</remarks>
internal struct IdleTimer
{
    private const int ChecksPerTimeout = 8;

    private int _unackedBytes;

    /// <summary>As <see cref="EventLoop.Now"/>.</summary>
    internal long LastProgress;

    internal static IdleTimer From(long lastProgress) => new() { LastProgress = lastProgress };

    /// <summary>Whether the unacknowledged bytes should be compared with those of the last check.</summary>
    internal readonly bool IsCheckDue(long now, long timeout) => timeout > 0 && now - LastProgress >= CheckInterval(timeout);

    internal void Check(long now, int unackedBytes)
    {
        if (unackedBytes < _unackedBytes)
            LastProgress = now;
        _unackedBytes = unackedBytes;
    }

    internal readonly bool IsIdle(long now, long timeout) => timeout > 0 && now - LastProgress >= timeout;

    /// <summary>Milliseconds until it may be idle or a check is due: with nothing unacknowledged only a byte is progress.</summary>
    /// <param name="now">As <see cref="EventLoop.Now"/>.</param>
    /// <param name="timeout">The idle timeout; positive.</param>
    internal readonly long Next(long now, long timeout)
    {
        long left = timeout - (now - LastProgress);
        return _unackedBytes > 0 || now - LastProgress < CheckInterval(timeout) ? Math.Min(left, CheckInterval(timeout)) : left;
    }

    private static long CheckInterval(long timeout) => Math.Max(1, timeout / ChecksPerTimeout);
}
