using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Asks the kernel which sockets wait for clients: sock_diag(7). The answer is about the network namespace of the netlink socket,
/// so no thread has to be inside.</summary>
public static class SocketDiagnostics
{
    private const int SizeOfInternetRequest = 56;
    private const int SizeOfInternetAnswer = 72;
    private const int SizeOfUnixRequest = 24;
    private const int SizeOfUnixAnswer = 16;
    private const byte UnixListening = 10;

    /// <summary>Every TCP, UDP and UNIX socket that waits for clients.</summary>
    /// <param name="netlink">A socket of AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG in the namespace of interest.</param>
    /// <param name="error">Why there is no answer: ENOENT if the kernel lacks the module.</param>
    /// <returns>The sockets found, also before an error.</returns>
    public static List<BoundSocket> Listening(int netlink, out Errno error)
    {
        var found = new List<BoundSocket>();
        error = Errno.None;
        NetlinkDump.Message tcp = message => ReadInternet(message, BoundSocketKind.Tcp, found);
        NetlinkDump.Message udp = message => ReadInternet(message, BoundSocketKind.Udp, found);
        foreach ((byte[] request, NetlinkDump.Message read) in (ReadOnlySpan<(byte[], NetlinkDump.Message)>)
        [
            (Request(SizeOfInternetRequest, Libc.AF_INET, Libc.IPPROTO_TCP, Libc.TCPF_LISTEN), tcp),
            (Request(SizeOfInternetRequest, Libc.AF_INET, Libc.IPPROTO_UDP, Libc.TCPF_CLOSE), udp),
            (Request(SizeOfInternetRequest, Libc.AF_INET6, Libc.IPPROTO_TCP, Libc.TCPF_LISTEN), tcp),
            (Request(SizeOfInternetRequest, Libc.AF_INET6, Libc.IPPROTO_UDP, Libc.TCPF_CLOSE), udp),
            (Request(SizeOfUnixRequest, Libc.AF_UNIX, 0, Libc.TCPF_LISTEN, Libc.UDIAG_SHOW_NAME), message => ReadUnix(message, found)),
        ])
        {
            Errno failed = NetlinkDump.Ask(netlink, request, Libc.SOCK_DIAG_BY_FAMILY, read);
            error = error == Errno.None ? failed : error;
        }
        return found;
    }

    /// <summary>struct nlmsghdr, and struct inet_diag_req_v2 or unix_diag_req, of which the rest is zero.</summary>
    private static byte[] Request(int size, int family, int protocol, uint states, uint show = 0)
    {
        byte[] request = NetlinkDump.Request(Libc.SOCK_DIAG_BY_FAMILY, size, out Span<byte> body);
        ReadOnlySpan<uint> begin = [(uint)(family | protocol << 8), states, 0, show];
        MemoryMarshal.AsBytes(begin).CopyTo(body);
        return request;
    }

    /// <summary>struct inet_diag_msg and its attributes.</summary>
    private static void ReadInternet(ReadOnlySpan<byte> message, BoundSocketKind kind, List<BoundSocket> found)
    {
        if (message.Length < SizeOfInternetAnswer)
            return;
        ReadOnlySpan<byte> bytes = message.Slice(8, message[0] == Libc.AF_INET ? 4 : 16);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        // A UDP socket with a peer has no other clients; one without a port is not bound yet.
        if (port == 0 || (kind == BoundSocketKind.Udp && BinaryPrimitives.ReadUInt16BigEndian(message[6..]) != 0))
            return;
        var address = new IPAddress(bytes);
        // An IPv6 socket for one IPv4 address: to clients, and to other sockets that want the port, it is an IPv4 socket.
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        bool only = false;
        ReadOnlySpan<byte> attributes = message[SizeOfInternetAnswer..];
        if (NetlinkDump.TryFindAttribute(attributes, Libc.INET_DIAG_SKV6ONLY, out ReadOnlySpan<byte> value) && value.Length > 0)
            only = value[0] != 0;
        found.Add(new BoundSocket(
            kind, new IPEndPoint(address, port), null, only,
            MemoryMarshal.Read<uint>(message[64..]), MemoryMarshal.Read<uint>(message[68..])));
    }

    /// <summary>struct unix_diag_msg and its attributes.</summary>
    private static void ReadUnix(ReadOnlySpan<byte> message, List<BoundSocket> found)
    {
        // The kernel also reports pathname sockets, which belong to no network namespace.
        if (message.Length < SizeOfUnixAnswer || message[2] != UnixListening
            || !NetlinkDump.TryFindAttribute(message[SizeOfUnixAnswer..], Libc.UNIX_DIAG_NAME, out ReadOnlySpan<byte> name) || name.IsEmpty)
        {
            return;
        }

        string text = name[0] == 0 ? "@" + Encoding.UTF8.GetString(name[1..]) : Encoding.UTF8.GetString(name).TrimEnd('\0');
        found.Add(new BoundSocket(BoundSocketKind.Unix, null, text, false, uint.MaxValue, MemoryMarshal.Read<uint>(message[4..])));
    }
}
