using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>
/// The name an outer half gives its end of a connection to the bridge's UNIX socket, so that the inner half knows it from a local client
/// without waiting for a byte: <c>nsbridge/1/KIND/NUMBER/RANDOM</c>, an abstract name.
/// </summary>
/// <param name="Kind">What connects.</param>
/// <param name="Number">Of a handoff the loop that should relay what comes; of a relay the position in the range of ports.</param>
/// <remarks>A name proves nothing: who may hand over descriptors is decided by the peer's credentials.</remarks>
internal readonly record struct JoinName(JoinKind Kind, int Number)
{
    private const int RandomBytes = 12;

    private static ReadOnlySpan<byte> Prefix => "nsbridge/1/"u8;

    private static ReadOnlySpan<byte> Handoff => "handoff/"u8;

    private static ReadOnlySpan<byte> Relay => "relay/"u8;

    private static ReadOnlySpan<byte> Datagrams => "datagrams/"u8;

    /// <summary>A name that nobody has yet.</summary>
    public SockAddr ToAddress()
    {
        string kind = Kind switch
        {
            JoinKind.Handoff => "handoff",
            JoinKind.Datagrams => "datagrams",
            _ => "relay",
        };
        string name = string.Create(CultureInfo.InvariantCulture, $"nsbridge/1/{kind}/{Number}/{RandomNumberGenerator.GetHexString(2 * RandomBytes, lowercase: true)}");
        return SockAddr.FromAbstract(Encoding.ASCII.GetBytes(name));
    }

    /// <summary>Reads the name of a peer; a peer without one is a local client.</summary>
    public static JoinName Of(in SockAddr peer)
    {
        ReadOnlySpan<byte> name = peer.AbstractName;
        if (!name.StartsWith(Prefix))
            return default;
        name = name[Prefix.Length..];
        JoinKind kind = name.StartsWith(Relay) ? JoinKind.Relay
            : name.StartsWith(Handoff) ? JoinKind.Handoff
            : name.StartsWith(Datagrams) ? JoinKind.Datagrams : JoinKind.LocalClient;
        ReadOnlySpan<byte> text = kind switch
        {
            JoinKind.Relay => name[Relay.Length..],
            JoinKind.Handoff => name[Handoff.Length..],
            JoinKind.Datagrams => name[Datagrams.Length..],
            _ => default,
        };
        return Utf8Parser.TryParse(text, out int number, out _) && number >= 0 ? new JoinName(kind, number) : default;
    }
}
