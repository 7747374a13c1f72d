using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Connecting;

/// <summary>Says why a target could not be reached, and what to do.</summary>
internal static class TargetFailure
{
    public static string Explain(string target, Errno error) => error switch
    {
        Errno.ECONNREFUSED => $"nothing listens on {target}",
        Errno.ENETUNREACH => $"no route to {target} (ENETUNREACH); is the namespace's lo up? Try: ip -n NAMESPACE link set lo up",
        Errno.EHOSTUNREACH => $"no way to {target} (EHOSTUNREACH)",
        Errno.ETIMEDOUT => $"{target} does not answer in time",
        Errno.ENOENT => $"{target} does not exist",
        Errno.EACCES => $"{target} may not be used by the daemon's user (EACCES)",
        Errno.EAGAIN => $"{target} does not accept: its backlog is full",
        _ => $"cannot connect to {target}: {error}",
    };
}
