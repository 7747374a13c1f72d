using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Makes a network namespace that only a process keeps alive: no name, no file, nothing to clean up.</summary>
public static class FreshNetworkNamespace
{
    /// <summary>Moves the calling thread into a new network namespace with <c>lo</c> up, for ever. For a process that does nothing else:
    /// threads started by this one are inside too. On the main thread, <c>/proc/PID/ns/net</c> is the new namespace.</summary>
    /// <returns>What failed; <see cref="Errno.EPERM"/> without CAP_SYS_ADMIN.</returns>
    public static Errno EnterForEver()
    {
        int result = Libc.UnshareNetworkNamespace();
        return result < 0 ? Libc.ErrorOf(result) : TakeLoopbackUp();
    }

    /// <summary>Takes <c>lo</c> up in the network namespace of the calling thread.</summary>
    /// <returns>What failed; <see cref="Errno.EPERM"/> without CAP_NET_ADMIN there.</returns>
    public static Errno TakeLoopbackUp()
    {
        int socket = Libc.Socket(Libc.AF_NETLINK, Libc.SOCK_RAW, Libc.NETLINK_ROUTE);
        if (socket < 0)
            return Libc.ErrorOf(socket);
        // struct nlmsghdr: length, type and flags, sequence, port; struct ifinfomsg: family and type, index (lo is always 1), flags, mask.
        ReadOnlySpan<int> request =
        [
            32, Libc.RTM_NEWLINK | (Libc.NLM_F_REQUEST | Libc.NLM_F_ACK) << 16, 0, 0,
            0, 1, Libc.IFF_UP, Libc.IFF_UP,
        ];
        // The kernel answers within the call that sends: NLMSG_ERROR with the error, 0 for none.
        Span<int> answer = stackalloc int[64];
        nint result = Libc.Send(socket, MemoryMarshal.AsBytes(request));
        if (result >= 0)
            result = Libc.Receive(socket, MemoryMarshal.AsBytes(answer));
        Libc.Close(socket);
        return Libc.ErrorOf(result < 0 ? result : answer[4]);
    }
}
