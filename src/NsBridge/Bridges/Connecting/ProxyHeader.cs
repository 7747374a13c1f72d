using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>The PROXY protocol's header, which carries the address of a client to the target. Source: HAProxy's proxy-protocol.txt,
/// versions 1 and 2.</summary>
internal static class ProxyHeader
{
    /// <summary>Bytes of the longest header: version 1 with two IPv6 addresses.</summary>
    public const int Longest = 108;

    private const byte VersionTwoLocal = 0x20;
    private const byte VersionTwoProxy = 0x21;
    private const byte StreamOverIPv4 = 0x11;
    private const byte StreamOverIPv6 = 0x21;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Writes the header of a client.</summary>
    /// <param name="to">Room for <see cref="Longest"/> bytes.</param>
    /// <param name="version">Which version; none writes nothing.</param>
    /// <param name="peer">The client.</param>
    /// <param name="client">Its socket, asked for the address it came to.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> to, ProxyProtocol version, PeerAddress peer, int client)
    {
        if (version == ProxyProtocol.None)
            return 0;
        IPEndPoint? local = peer.IsUnix || Libc.LocalAddress(client, out SockAddr address) < 0 ? null : address.ToEndPoint();
        return version == ProxyProtocol.V1 ? WriteText(to, peer, local) : WriteBinary(to, peer, local);
    }

    private static int WriteText(Span<byte> to, PeerAddress peer, IPEndPoint? local)
    {
        if (local is null)
            return Encoding.ASCII.GetBytes("PROXY UNKNOWN\r\n", to);
        IPAddress source = peer.ToIPAddress()!, destination = Plain(local.Address);
        string family = source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "TCP4" : "TCP6";
        return Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"PROXY {family} {source} {destination} {peer.Port} {local.Port}\r\n"), to);
    }

    private static int WriteBinary(Span<byte> to, PeerAddress peer, IPEndPoint? local)
    {
        Signature.CopyTo(to);
        if (local is null)
        {
            to[12] = VersionTwoLocal;
            to[13] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(to[14..], 0);
            return 16;
        }
        IPAddress source = peer.ToIPAddress()!, destination = Plain(local.Address);
        bool four = source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        int size = four ? 4 : 16;
        to[12] = VersionTwoProxy;
        to[13] = four ? StreamOverIPv4 : StreamOverIPv6;
        BinaryPrimitives.WriteUInt16BigEndian(to[14..], (ushort)(2 * size + 4));
        source.TryWriteBytes(to[16..], out _);
        destination.TryWriteBytes(to[(16 + size)..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(to[(16 + 2 * size)..], peer.Port);
        BinaryPrimitives.WriteUInt16BigEndian(to[(18 + 2 * size)..], (ushort)local.Port);
        return 20 + 2 * size;
    }

    // Without a scope: it means nothing to the target.
    private static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : new IPAddress(address.GetAddressBytes());
}
