using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>Why epoll does not watch a descriptor, and the cure.</summary>
internal static class WatchFault
{
    public static StateReason Reason(string what, Errno error) => error switch
    {
        Errno.ENOSPC => new(ReasonCode.OutOfWatches, $"cannot watch {what}: ENOSPC - the user watches as much as it may; raise the sysctl fs.epoll.max_user_watches"),
        Errno.ENOMEM => new(ReasonCode.OutOfMemory, $"cannot watch {what}: ENOMEM - the kernel has no memory for it"),
        _ => new(ReasonCode.ListenerUnavailable, $"cannot watch {what}: {error}"),
    };
}
