using System.Buffers.Text;
using System.Globalization;
using System.Text;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>
/// The name an outer half gives its end of a connection to the bridge's UNIX socket, so that the inner half knows it from a local client
/// without waiting for a byte: <c>nsb</c>, a letter for the kind, a number in hexadecimal, a dot and random letters; an abstract name.
/// </summary>
/// <param name="Kind">What connects.</param>
/// <param name="Number">Of a handoff the loop that should relay what comes; of a relay the position in the range of ports.</param>
/// <remarks>
/// A name proves nothing: who may hand over descriptors is decided by the peer's credentials. It is short because an outer half may stand before
/// any server, and .NET's (measured with .NET 10, so Kestrel's too) crash when a client's address is longer than their own.
/// </remarks>
public readonly record struct JoinPeerName(JoinKind Kind, int Number)
{
    /// <summary>Whether it is one end of a connection between two halves, whose bytes the outer one relays.</summary>
    public bool IsRelayed => Kind is JoinKind.Relay or JoinKind.OwnRelay;

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const int LeastRandom = 4;
    private const int MostRandom = 12;

    /// <summary>The family and the zero before an abstract name, in an address.</summary>
    private const int AddressOverhead = 3;

    private static ReadOnlySpan<byte> Prefix => "nsb"u8;

    /// <summary>A name that nobody has yet, no longer than the address it connects to, unless that is shorter than any sensible path.</summary>
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
        string start = string.Create(CultureInfo.InvariantCulture, $"nsb{kind}{Number:x}.");
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
        bool isRead = Utf8Parser.TryParse(text, out int number, out int length, 'x') && number >= 0 && length < text.Length && text[length] == '.';
        return isRead && kind != JoinKind.LocalClient ? new JoinPeerName(kind, number) : default;
    }
}
