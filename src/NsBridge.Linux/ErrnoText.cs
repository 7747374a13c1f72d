using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Sentences for errors of the kernel: what failed, why, and the cure.</summary>
public static class ErrnoText
{
    /// <summary>A connect to a target failed.</summary>
    public static string Connect(string target, Errno error) => error switch
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

    /// <summary>epoll does not watch a descriptor.</summary>
    public static string Watch(string what, Errno error) => error switch
    {
        Errno.ENOSPC => $"cannot watch {what}: ENOSPC - the user watches as much as it may; raise the sysctl fs.epoll.max_user_watches",
        Errno.ENOMEM => $"cannot watch {what}: ENOMEM - the kernel has no memory for it",
        _ => $"cannot watch {what}: {error}",
    };

    /// <summary>Datagrams were dropped.</summary>
    public static string Datagrams(Errno error, bool towardsTarget)
    {
        string peer = towardsTarget ? "the target" : "a client";
        return error switch
        {
            Errno.EMSGSIZE => $"datagrams too long for the way to {peer} were dropped (EMSGSIZE)",
            Errno.EAGAIN or Errno.ENOBUFS or Errno.ENOMEM =>
                $"datagrams were dropped: more than the network towards {peer} takes ({error})",
            Errno.EPERM => $"datagrams to {peer} were dropped: a firewall forbids them (EPERM)",
            Errno.ENETUNREACH or Errno.EHOSTUNREACH => $"answers were dropped: no route to {peer} ({error})",
            _ => $"datagrams to {peer} were dropped: {error}",
        };
    }
}
