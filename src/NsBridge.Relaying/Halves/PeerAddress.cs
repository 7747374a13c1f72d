using System.Buffers.Binary;
using System.Net;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>A client's address in 20 bytes, which each relay keeps.</summary>
/// <param name="Bits">The IPv6 address, big-endian; IPv4 as IPv4-mapped; 0 for a UNIX client.</param>
/// <param name="Port">The port.</param>
/// <param name="Family">AF_INET, AF_INET6 or AF_UNIX.</param>
public readonly record struct PeerAddress(UInt128 Bits, ushort Port, byte Family)
{
    /// <summary>A client of the UNIX socket.</summary>
    public static PeerAddress Unix { get; } = new(0, 0, Libc.AF_UNIX);

    public bool IsUnix => Family == Libc.AF_UNIX;

    /// <summary>Whether it is an IPv4 address, IPv4-mapped ones among them.</summary>
    public bool IsIPv4 => !IsUnix && Bits >> 32 == 0xffff;

    /// <summary>What limits and shares count as one client: the address, or the /64 of an IPv6 address.</summary>
    public UInt128 ClientBits => IsIPv4 || IsUnix ? Bits : Bits >> 64 << 64;

    public static PeerAddress From(in SockAddr address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteAddress(bytes)
            ? new PeerAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes), address.Port, (byte)address.Family)
            : Unix;
    }

    /// <summary>The address and port of a client that is not a local one, IPv4-mapped ones as IPv4.</summary>
    public SockAddr ToSockAddr() => SockAddr.From(Bits, Port);

    /// <summary>The internet address; an IPv4-mapped one as IPv4. Null for a UNIX client.</summary>
    public IPAddress? ToIPAddress()
    {
        if (IsUnix)
            return null;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    public override string ToString() => ToIPAddress() is { } address ? new IPEndPoint(address, Port).ToString() : "unix";
}
