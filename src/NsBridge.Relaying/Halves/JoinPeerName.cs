using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>What connects to a bridge's UNIX socket.</summary>
public enum JoinKind
{
    /// <summary>A local program that uses the socket as if it were the target.</summary>
    LocalClient,

    /// <summary>An outer half that relays the bytes of one connection.</summary>
    Relay,

    /// <summary>An outer half that hands accepted connections over.</summary>
    Handoff,

    /// <summary>An outer half that hands its UDP listeners over.</summary>
    Datagrams,
}

/// <summary>The abstract name of an outer half's end of a connection to the bridge's UNIX socket, which distinguishes it from a local
/// client before the first byte: <c>nsb</c>, a letter for the kind, a number in hexadecimal, a dot, the client's address if it is told, and
/// random letters.</summary>
/// <param name="Kind">What connects.</param>
/// <param name="Value"><see cref="LoopIndex"/> or <see cref="PortOffset"/>, by kind.</param>
/// <param name="IsOwn">Whether it is the outer half of the same bridge in the same process: the letters begin with a secret of the
/// process.</param>
/// <param name="Client">The client of a relayed connection, if it is told.</param>
/// <remarks>A name proves nothing to another user, who can read it: the peer's credentials decide whether it may hand over descriptors. It
/// is short if it is not the process's own: an outer half may connect to any server, and .NET's (measured with .NET 10, so Kestrel's too)
/// crash when a client's address is longer than their own.</remarks>
public readonly record struct JoinPeerName(JoinKind Kind, int Value, bool IsOwn = false, PeerAddress? Client = null)
{
    /// <summary>Of a handoff by the process's own half: the loop that should relay the connections.</summary>
    public int LoopIndex => Value;

    /// <summary>Of a relayed connection: the position in the range of ports.</summary>
    public int PortOffset => Value;

    private const int LeastRandom = 4;
    private const int MostRandom = 12;
    private const int Longest = 96;

    /// <summary>32 hexadecimal digits of the address, 4 of the port.</summary>
    private const int ClientLength = 36;

    /// <summary>The family and the zero before an abstract name, in an address.</summary>
    private const int AddressOverhead = 3;

    private static readonly byte[] s_secret = RandomNumberGenerator.GetItems(Letters, 20);

    private static ReadOnlySpan<byte> Letters => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    private static ReadOnlySpan<byte> Prefix => "nsb"u8;

    /// <summary>A new random name, no longer than the server's address unless that is shorter than any sensible path, or the process's
    /// own.</summary>
    /// <param name="server">The address of the UNIX socket.</param>
    public SockAddr ToAddress(in SockAddr server)
    {
        Span<byte> name = stackalloc byte[Longest];
        Prefix.CopyTo(name);
        name[Prefix.Length] = Kind switch
        {
            JoinKind.Handoff => (byte)'h',
            JoinKind.Datagrams => (byte)'d',
            _ => Client is null ? (byte)'r' : (byte)'c',
        };
        Utf8Formatter.TryFormat(Value, name[(Prefix.Length + 1)..], out int digits, 'x');
        int length = Prefix.Length + 1 + digits;
        name[length++] = (byte)'.';
        if (Client is { } client)
        {
            client.Bits.TryFormat(name[length..], out _, "x32", CultureInfo.InvariantCulture);
            client.Port.TryFormat(name[(length + 32)..], out _, "x4", CultureInfo.InvariantCulture);
            length += ClientLength;
        }
        int random = IsOwn ? MostRandom : Math.Clamp(server.Length - AddressOverhead - length, LeastRandom, MostRandom);
        if (IsOwn)
        {
            s_secret.CopyTo(name[length..]);
            length += s_secret.Length;
        }
        Random.Shared.GetItems(Letters, name.Slice(length, random));
        return SockAddr.FromAbstract(name[..(length + random)]);
    }

    /// <summary>Reads the name of a peer; a peer without one is a local client.</summary>
    public static JoinPeerName Of(in SockAddr peer)
    {
        ReadOnlySpan<byte> name = peer.AbstractName;
        if (name.Length <= Prefix.Length || !name.StartsWith(Prefix))
            return default;
        JoinKind kind = name[Prefix.Length] switch
        {
            (byte)'h' => JoinKind.Handoff,
            (byte)'d' => JoinKind.Datagrams,
            (byte)'r' or (byte)'c' => JoinKind.Relay,
            _ => JoinKind.LocalClient,
        };
        ReadOnlySpan<byte> text = name[(Prefix.Length + 1)..];
        bool isRead = Utf8Parser.TryParse(text, out int value, out int length, 'x') && value >= 0
            && length < text.Length && text[length] == '.';
        if (!isRead || kind == JoinKind.LocalClient)
            return default;
        ReadOnlySpan<byte> rest = text[(length + 1)..];
        PeerAddress? client = name[Prefix.Length] == (byte)'c' ? ReadClient(rest) : null;
        return new JoinPeerName(kind, value, rest[(client is null ? 0 : ClientLength)..].StartsWith(s_secret), client);
    }

    private static PeerAddress? ReadClient(ReadOnlySpan<byte> text) => text.Length >= ClientLength
        && UInt128.TryParse(text[..32], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 bits)
        && ushort.TryParse(text[32..ClientLength], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort port)
            ? PeerAddress.From(SockAddr.From(bits, port))
            : null;
}
