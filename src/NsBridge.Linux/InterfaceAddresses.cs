using System.Net;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Asks the kernel for the addresses of a network interface: rtnetlink(7).</summary>
public static class InterfaceAddresses
{
    /// <summary>struct ifaddrmsg.</summary>
    private const int SizeOfAnswer = 8;

    /// <summary>The addresses of both families that a socket can be bound to as they are. An IPv6 address that the kernel still checks for
    /// a duplicate is not one of them yet, and a link-local one never, since it takes its interface as well.</summary>
    /// <param name="network">The namespace that has the interface.</param>
    /// <param name="name">Its name.</param>
    /// <param name="error">Why they are not known: ENODEV if there is no such interface.</param>
    public static List<IPAddress> Of(NetworkNamespace network, string name, out Errno error)
    {
        var found = new List<IPAddress>();
        int netlink = network.OpenSocket(Libc.AF_NETLINK, Libc.SOCK_RAW, out _, out EnterFailure failure, Libc.NETLINK_ROUTE);
        error = failure.Error;
        if (netlink < 0)
            return found;
        int index = Libc.BindToInterface(netlink, name);
        byte[] request = NetlinkDump.Request(Libc.RTM_GETADDR, SizeOfAnswer, out _);
        error = index < 0
            ? Libc.ErrorOf(index)
            : NetlinkDump.Ask(netlink, request, Libc.RTM_NEWADDR, message => Read(message, index, found));
        Libc.Close(netlink);
        return found;
    }

    private static void Read(ReadOnlySpan<byte> message, int index, List<IPAddress> found)
    {
        if (message.Length < SizeOfAnswer || MemoryMarshal.Read<int>(message[4..]) != index || (message[2] & Libc.IFA_F_TENTATIVE) != 0)
            return;
        int length = message[0] switch { Libc.AF_INET => 4, Libc.AF_INET6 => 16, _ => 0 };
        ReadOnlySpan<byte> attributes = message[SizeOfAnswer..];
        // IFA_ADDRESS is the peer's on a point-to-point interface, which has its own in IFA_LOCAL.
        bool isFound = NetlinkDump.TryFindAttribute(attributes, Libc.IFA_LOCAL, out ReadOnlySpan<byte> value)
            || NetlinkDump.TryFindAttribute(attributes, Libc.IFA_ADDRESS, out value);
        if (isFound && length > 0 && value.Length == length && new IPAddress(value) is { IsIPv6LinkLocal: false } address)
            found.Add(address);
    }
}
