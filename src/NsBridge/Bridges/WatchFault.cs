using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>Says why the kernel would not tell of events, and what to do.</summary>
internal static class WatchFault
{
    public static string Explain(string what, Errno error) => error switch
    {
        Errno.ENOSPC => $"cannot watch {what}: ENOSPC - the user watches as much as he may; raise the sysctl fs.epoll.max_user_watches",
        Errno.ENOMEM => $"cannot watch {what}: ENOMEM - the kernel has no memory for it",
        _ => $"cannot watch {what}: {error}",
    };
}
