using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace NsBridge.Linux.Interop;

/// <summary>A socket address as the kernel writes it: sockaddr_in, sockaddr_in6 or sockaddr_un, and its length.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SockAddr
{
    /// <summary>Bytes of the largest address, sockaddr_un.</summary>
    public const int Capacity = 110;

    /// <summary>Bytes of sun_path; a path needs one for its closing zero.</summary>
    public const int UnixPathCapacity = 108;

    /// <summary>The upper 104 bits of ::ffff:127.0.0.0.</summary>
    private static readonly UInt128 s_mappedLoopback = 0xffff7f;

    [InlineArray(Capacity)]
    private struct Bytes
    {
        private byte _first;
    }

    private Bytes _bytes;

    /// <summary>Bytes of the address in use; 0 for none.</summary>
    public int Length;

    /// <summary>AF_INET, AF_INET6, AF_UNIX, or 0 for none.</summary>
    public readonly int Family => Length < 2 ? 0 : MemoryMarshal.Read<ushort>(_bytes[..2]);

    /// <summary>The port of an internet address.</summary>
    public readonly ushort Port => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..4]);

    /// <summary>Whether it is an address that never leaves its network namespace: 127.0.0.0/8, also IPv4-mapped, or ::1.</summary>
    public readonly bool IsLoopback
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            if (!TryWriteAddress(bytes))
                return false;
            UInt128 address = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            return address == UInt128.One || address >> 24 == s_mappedLoopback;
        }
    }

    /// <summary>Whether both are one address.</summary>
    public readonly bool IsSame(in SockAddr other) =>
        Length == other.Length && ((ReadOnlySpan<byte>)_bytes)[..Length].SequenceEqual(((ReadOnlySpan<byte>)other._bytes)[..Length]);

    /// <summary>Whether both have the same internet address, regardless of port and interface.</summary>
    public readonly bool IsSameHost(in SockAddr other)
    {
        Span<byte> one = stackalloc byte[16], another = stackalloc byte[16];
        return TryWriteAddress(one) && other.TryWriteAddress(another) && one.SequenceEqual(another);
    }

    /// <summary>The internet address of a host and port.</summary>
    public static SockAddr From(IPAddress host, int port)
    {
        var address = default(SockAddr);
        Span<byte> bytes = address._bytes;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)port);
        ushort family;
        if (host.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
        {
            family = Libc.AF_INET;
            address.Length = 16;
            host.TryWriteBytes(bytes[4..8], out _);
        }
        else
        {
            family = Libc.AF_INET6;
            address.Length = 28;
            host.TryWriteBytes(bytes[8..24], out _);
            uint scope = (uint)host.ScopeId;
            MemoryMarshal.Write(bytes[24..], in scope);
        }
        MemoryMarshal.Write(bytes, in family);
        return address;
    }

    /// <summary>An internet address by its 128 bits; an IPv4-mapped one becomes IPv4.</summary>
    public static SockAddr From(UInt128 bits, ushort port)
    {
        var address = default(SockAddr);
        Span<byte> bytes = address._bytes;
        bool isFour = bits >> 32 == 0xffff;
        ushort family = isFour ? (ushort)Libc.AF_INET : (ushort)Libc.AF_INET6;
        address.Length = isFour ? 16 : 28;
        MemoryMarshal.Write(bytes, in family);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], port);
        if (isFour)
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)bits);
        else
            BinaryPrimitives.WriteUInt128BigEndian(bytes[8..], bits);
        return address;
    }

    /// <summary>The address of a UNIX socket file.</summary>
    /// <exception cref="ArgumentException">The path is empty or longer than 107 bytes.</exception>
    public static SockAddr FromPath(string path)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length is 0 or >= UnixPathCapacity)
            throw new ArgumentException($"a UNIX socket's path has 1 to {UnixPathCapacity - 1} bytes", nameof(path));
        SockAddr address = FromUnix(bytes, offset: 2);
        address.Length++;
        return address;
    }

    /// <summary>The address of an abstract UNIX socket, which lives in the network namespace it is used in.</summary>
    /// <exception cref="ArgumentException">The name is empty or longer than 107 bytes.</exception>
    public static SockAddr FromAbstract(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or >= UnixPathCapacity)
            throw new ArgumentException($"an abstract UNIX name has 1 to {UnixPathCapacity - 1} bytes", nameof(name));
        return FromUnix(name, offset: 3);
    }

    /// <summary>The same internet address with another port.</summary>
    public readonly SockAddr WithPort(ushort port)
    {
        SockAddr address = this;
        BinaryPrimitives.WriteUInt16BigEndian(address._bytes[2..4], port);
        return address;
    }

    /// <summary>The bytes in use.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> AsSpan() => _bytes[..Length];

    private static SockAddr FromUnix(ReadOnlySpan<byte> name, int offset)
    {
        var address = default(SockAddr);
        Span<byte> bytes = address._bytes;
        ushort family = Libc.AF_UNIX;
        MemoryMarshal.Write(bytes, in family);
        name.CopyTo(bytes[offset..]);
        address.Length = offset + name.Length;
        return address;
    }

    /// <summary>The name of an abstract UNIX socket without its leading zero; empty for any other address.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> AbstractName =>
        Family == Libc.AF_UNIX && Length > 3 && _bytes[2] == 0 ? _bytes[3..Length] : default;

    /// <summary>Writes the 16 bytes of the internet address, IPv4 as IPv4-mapped; false for another family.</summary>
    public readonly bool TryWriteAddress(Span<byte> sixteen)
    {
        switch (Family)
        {
            case Libc.AF_INET:
                sixteen[..10].Clear();
                sixteen[10..12].Fill(0xff);
                _bytes[4..8].CopyTo(sixteen[12..]);
                return true;
            case Libc.AF_INET6:
                _bytes[8..24].CopyTo(sixteen);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The address and port of an internet address; null for others.</summary>
    public readonly IPEndPoint? ToEndPoint() => Family switch
    {
        Libc.AF_INET => new IPEndPoint(new IPAddress(_bytes[4..8]), Port),
        Libc.AF_INET6 => new IPEndPoint(new IPAddress(_bytes[8..24], MemoryMarshal.Read<uint>(_bytes[24..28])), Port),
        _ => null,
    };

    public override readonly string ToString() => Family switch
    {
        Libc.AF_INET or Libc.AF_INET6 => ToEndPoint()!.ToString(),
        Libc.AF_UNIX when Length <= 2 => "unix:",
        Libc.AF_UNIX when _bytes[2] == 0 => "unix:@" + Encoding.UTF8.GetString(_bytes[3..Length]),
        Libc.AF_UNIX => "unix:" + Encoding.UTF8.GetString(_bytes[2..Length]).TrimEnd('\0'),
        _ => "none",
    };
}
