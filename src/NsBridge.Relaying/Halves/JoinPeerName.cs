using System.Buffers.Text;
using System.Globalization;
using System.Text;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>What connects to a bridge's UNIX socket.</summary>
public enum JoinKind
{
    /// <summary>A local program that uses the socket as if it were the target.</summary>
    LocalClient,

    /// <summary>An outer half that relays the bytes of one connection.</summary>
    Relay,

    /// <summary>The outer half of the same bridge in the same process, which has admitted its client and counts it.</summary>
    OwnRelay,

    /// <summary>An outer half that hands accepted connections over.</summary>
    Handoff,

    /// <summary>An outer half that hands its UDP listeners over.</summary>
    Datagrams,
}

/// <summary>The abstract name of an outer half's end of a connection to the bridge's UNIX socket, which distinguishes it from a local
/// client before the first byte: <c>nsb</c>, a letter for the kind, a number in hexadecimal, a dot and random letters.</summary>
/// <param name="Kind">What connects.</param>
/// <param name="Value"><see cref="LoopIndex"/> or <see cref="PortOffset"/>, by kind.</param>
/// <remarks>A name proves nothing: the peer's credentials decide whether it may hand over descriptors. It is short because an outer half
/// may connect to any server, and .NET's (measured with .NET 10, so Kestrel's too) crash when a client's address is longer than their
/// own.</remarks>
public readonly record struct JoinPeerName(JoinKind Kind, int Value)
{
    /// <summary>Of a handoff: the loop that should relay the connections.</summary>
    public int LoopIndex => Value;

    /// <summary>Of a relayed connection: the position in the range of ports.</summary>
    public int PortOffset => Value;

    /// <summary>Whether it is one end of a connection between two halves, whose bytes the outer one relays.</summary>
    public bool IsRelayed => Kind is JoinKind.Relay or JoinKind.OwnRelay;

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const int LeastRandom = 4;
    private const int MostRandom = 12;

    /// <summary>The family and the zero before an abstract name, in an address.</summary>
    private const int AddressOverhead = 3;

    private static ReadOnlySpan<byte> Prefix => "nsb"u8;

    /// <summary>A new random name, no longer than the server's address unless that is shorter than any sensible path.</summary>
    /// <param name="server">The address of the UNIX socket.</param>
    public SockAddr ToAddress(in SockAddr server)
    {
        char kind = Kind switch
        {
            JoinKind.Handoff => 'h',
            JoinKind.Datagrams => 'd',
            JoinKind.OwnRelay => 'o',
            _ => 'r',
        };
        string start = string.Create(CultureInfo.InvariantCulture, $"nsb{kind}{Value:x}.");
        int random = Math.Clamp(server.Length - AddressOverhead - start.Length, LeastRandom, MostRandom);
        return SockAddr.FromAbstract(Encoding.ASCII.GetBytes(start + Random.Shared.GetString(Letters, random)));
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
            (byte)'r' => JoinKind.Relay,
            (byte)'o' => JoinKind.OwnRelay,
            _ => JoinKind.LocalClient,
        };
        ReadOnlySpan<byte> text = name[(Prefix.Length + 1)..];
        bool isRead = Utf8Parser.TryParse(text, out int value, out int length, 'x') && value >= 0
            && length < text.Length && text[length] == '.';
        return isRead && kind != JoinKind.LocalClient ? new JoinPeerName(kind, value) : default;
    }
}
