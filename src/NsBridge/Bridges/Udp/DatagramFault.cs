using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Udp;

/// <summary>Says why datagrams were not passed on.</summary>
internal static class DatagramFault
{
    public static string Explain(Errno error, bool towardsTarget)
    {
        string who = towardsTarget ? "the target" : "a client";
        return error switch
        {
            Errno.EMSGSIZE => $"datagrams too long for the way to {who} were dropped (EMSGSIZE)",
            Errno.EAGAIN or Errno.ENOBUFS or Errno.ENOMEM => $"datagrams were dropped: more than the network towards {who} takes ({error})",
            Errno.EPERM => $"datagrams to {who} were dropped: a firewall forbids them (EPERM)",
            Errno.ENETUNREACH or Errno.EHOSTUNREACH => $"answers were dropped: no route to {who} ({error})",
            _ => $"datagrams to {who} were dropped: {error}",
        };
    }
}
