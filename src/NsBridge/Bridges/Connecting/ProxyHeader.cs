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
        bool isKnown = !peer.IsUnix & Libc.LocalAddress(client, out SockAddr address) >= 0;
        PeerAddress local = isKnown ? PeerAddress.From(address) : PeerAddress.Unix;
        Span<byte> source = stackalloc byte[16], destination = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(source, peer.Bits);
        BinaryPrimitives.WriteUInt128BigEndian(destination, local.Bits);
        int unused = peer.IsIPv4 ? 12 : 0;
        return version == ProxyProtocol.V1
            ? WriteText(to, peer, local, source[unused..], destination[unused..])
            : WriteBinary(to, peer, local, source[unused..], destination[unused..]);
    }

    private static int WriteText(
        Span<byte> to, PeerAddress peer, PeerAddress local, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        if (local.IsUnix)
            return Append(to, 0, "PROXY UNKNOWN\r\n"u8);
        int at = Append(to, 0, peer.IsIPv4 ? "PROXY TCP4 "u8 : "PROXY TCP6 "u8);
        at += Libc.WriteAddress(source, to[at..]);
        at = Append(to, at, " "u8);
        at += Libc.WriteAddress(destination, to[at..]);
        at = Append(to, at, " "u8);
        Utf8Formatter.TryFormat(peer.Port, to[at..], out int digits);
        at = Append(to, at + digits, " "u8);
        Utf8Formatter.TryFormat(local.Port, to[at..], out digits);
        return Append(to, at + digits, "\r\n"u8);
    }

    private static int Append(Span<byte> to, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(to[at..]);
        return at + bytes.Length;
    }

    private static int WriteBinary(
        Span<byte> to, PeerAddress peer, PeerAddress local, ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        int at = Append(to, 0, Signature);
        bool isKnown = !local.IsUnix;
        to[at++] = isKnown ? VersionTwoProxy : VersionTwoLocal;
        to[at++] = !isKnown ? (byte)0 : peer.IsIPv4 ? StreamOverIPv4 : StreamOverIPv6;
        BinaryPrimitives.WriteUInt16BigEndian(to[at..], (ushort)(isKnown ? 2 * source.Length + 4 : 0));
        at += 2;
        if (!isKnown)
            return at;
        at = Append(to, Append(to, at, source), destination);
        BinaryPrimitives.WriteUInt16BigEndian(to[at..], peer.Port);
        BinaryPrimitives.WriteUInt16BigEndian(to[(at + 2)..], local.Port);
        return at + 4;
    }
}
