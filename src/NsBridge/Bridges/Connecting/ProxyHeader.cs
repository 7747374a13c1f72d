using System.Buffers.Binary;
using System.Buffers.Text;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>The PROXY protocol's header, which carries the address of a client to the target. Source: HAProxy's proxy-protocol.txt,
/// versions 1 and 2.</summary>
internal static class ProxyHeader
{
    /// <summary>Room for the longest header: version 1 with two IPv6 addresses has 107 bytes at most.</summary>
    public const int Longest = 160;

    private const byte VersionTwoLocal = 0x20;
    private const byte VersionTwoProxy = 0x21;
    private const byte OverIPv4 = 0x10;
    private const byte OverIPv6 = 0x20;
    private const byte Stream = 0x01;
    private const byte Datagram = 0x02;

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
        bool isKnown = !peer.IsUnix & Libc.LocalAddress(client, out SockAddr address) >= 0;
        PeerAddress local = isKnown ? PeerAddress.From(address) : PeerAddress.Unix;
        return version == ProxyProtocol.V1 ? WriteText(to, peer, local) : WriteBinary(to, peer, local, Stream);
    }

    /// <summary>Writes the header of version 2 for a client of UDP.</summary>
    /// <param name="to">Room for <see cref="Longest"/> bytes.</param>
    /// <param name="peer">The client.</param>
    /// <param name="local">The address that it sends to.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteOfDatagram(Span<byte> to, PeerAddress peer, PeerAddress local) => WriteBinary(to, peer, local, Datagram);

    private static int WriteText(Span<byte> to, PeerAddress peer, PeerAddress local)
    {
        if (local.IsUnix)
            return Append(to, 0, "PROXY UNKNOWN\r\n"u8);
        Span<byte> bytes = stackalloc byte[16];
        int at = Append(to, 0, peer.IsIPv4 ? "PROXY TCP4 "u8 : "PROXY TCP6 "u8);
        at += Libc.WriteAddress(AddressBytes(peer, peer, bytes), to[at..]);
        at = Append(to, at, " "u8);
        at += Libc.WriteAddress(AddressBytes(local, peer, bytes), to[at..]);
        at = Append(to, at, " "u8);
        Utf8Formatter.TryFormat(peer.Port, to[at..], out int digits);
        at = Append(to, at + digits, " "u8);
        Utf8Formatter.TryFormat(local.Port, to[at..], out digits);
        return Append(to, at + digits, "\r\n"u8);
    }

    private static int WriteBinary(Span<byte> to, PeerAddress peer, PeerAddress local, byte transport)
    {
        int at = Append(to, 0, Signature);
        bool isKnown = !local.IsUnix;
        to[at++] = isKnown ? VersionTwoProxy : VersionTwoLocal;
        to[at++] = isKnown ? (byte)((peer.IsIPv4 ? OverIPv4 : OverIPv6) | transport) : (byte)0;
        BinaryPrimitives.WriteUInt16BigEndian(to[at..], (ushort)(!isKnown ? 0 : peer.IsIPv4 ? 12 : 36));
        at += 2;
        if (!isKnown)
            return at;
        Span<byte> bytes = stackalloc byte[16];
        at = Append(to, at, AddressBytes(peer, peer, bytes));
        at = Append(to, at, AddressBytes(local, peer, bytes));
        BinaryPrimitives.WriteUInt16BigEndian(to[at..], peer.Port);
        BinaryPrimitives.WriteUInt16BigEndian(to[(at + 2)..], local.Port);
        return at + 4;
    }

    /// <summary>An address in the family of the client's: 4 or 16 bytes.</summary>
    private static ReadOnlySpan<byte> AddressBytes(PeerAddress address, PeerAddress peer, Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address.Bits);
        return bytes[(peer.IsIPv4 ? 12 : 0)..];
    }

    private static int Append(Span<byte> to, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(to[at..]);
        return at + bytes.Length;
    }
}
