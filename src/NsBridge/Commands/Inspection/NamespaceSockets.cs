using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Inspection;

/// <summary>What awaits clients in a network namespace.</summary>
/// <param name="Sockets">Empty where there is a failure.</param>
/// <param name="Fault">Why it cannot be told, in words; null where it can.</param>
internal sealed record NamespaceSockets(IReadOnlyList<BoundSocket> Sockets, string? Fault)
{
    /// <summary>Whether the fault is that this process may not enter.</summary>
    public bool IsForbidden { get; private init; }

    /// <summary>Asks the kernel. On a thread of the caller's own, as it may enter the namespace.</summary>
    public static NamespaceSockets Look(NetworkNamespace network)
    {
        int netlink = network.OpenSocket(Libc.AF_NETLINK, Libc.SOCK_RAW, out _, out EnterFailure failure, Libc.NETLINK_SOCK_DIAG);
        if (netlink < 0)
        {
            return new NamespaceSockets([], network.Explain(failure))
            {
                IsForbidden = failure.LacksPrivilege,
            };
        }

        try
        {
            List<BoundSocket> found = SocketDiagnostics.Listening(netlink, out Errno error);
            return new NamespaceSockets(found, error == Errno.None || found.Count > 0 ? null : $"the kernel does not tell its sockets ({error})");
        }
        finally
        {
            Libc.Close(netlink);
        }
    }
}
