using System.Net;
using System.Text.Json;
using NsBridge.Configuration.Settings;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges;

/// <summary>The state of a connection or flow, for the operator.</summary>
internal enum ConnectionState
{
    /// <summary>The target has not answered yet.</summary>
    Connecting,

    /// <summary>The client waits in line for a missing target.</summary>
    Parked,

    Open,

    /// <summary>One end has sent its last byte.</summary>
    HalfClosed,

    /// <summary>Both ends have sent their last byte, and not all bytes have arrived.</summary>
    Closing,

    /// <summary>An inner half of another process has taken the client over; that one knows the bytes.</summary>
    HandedOff,
}

/// <summary>The outcomes of connections and flows in words, such as <c>client-reset</c>.</summary>
internal static class EndReasons
{
    public static readonly IReadOnlyList<string> Words =
        [.. Enum.GetValues<EndReason>().Select(reason => JsonNamingPolicy.KebabCaseLower.ConvertName(reason.ToString()))];

    extension(EndReason reason)
    {
        public string Word => Words[(int)reason];
    }
}

/// <summary>A connection or flow at one moment.</summary>
/// <param name="Origin">The client, its listener and its id.</param>
/// <param name="State">What becomes of it.</param>
/// <param name="Place">Of a parked client: its place in the line, from 1 on; else 0.</param>
/// <param name="Age">Milliseconds since the client came.</param>
/// <param name="Idle">Milliseconds since the last byte either way.</param>
/// <param name="BytesToTarget">Bytes that the target has taken.</param>
/// <param name="BytesToClient">Bytes that the client has taken.</param>
/// <param name="Process">Of a client of the UNIX socket: its process; else 0.</param>
/// <param name="User">Of a client of the UNIX socket: its user.</param>
internal readonly record struct ConnectionReport(
    ConnectionOrigin Origin,
    ConnectionState State,
    int Place,
    long Age,
    long Idle,
    long BytesToTarget,
    long BytesToClient,
    int Process = 0,
    uint User = 0);

/// <summary>Selects connections: those of an id, or of a network, or all.</summary>
/// <param name="Ids">The ids; null for any.</param>
/// <param name="Clients">The clients' network; null for any. A client of the UNIX socket is in none.</param>
internal sealed record ConnectionFilter(IReadOnlySet<ulong>? Ids, IPNetwork? Clients)
{
    public bool Selects(ulong id, PeerAddress peer) =>
        (Ids is null || Ids.Contains(id))
        && (Clients is not { } network || (peer.ToIPAddress() is { } address && network.Contains(address)));
}

/// <summary>A half of a bridge that has connections of its own. Any thread may call.</summary>
internal interface IConnectionList
{
    /// <summary>The connections that this half counts.</summary>
    Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync();

    /// <summary>Resets connections.</summary>
    /// <returns>How many.</returns>
    Task<int> EndAsync(ConnectionFilter filter);
}

/// <summary>The connections of all bridges. Any thread may call.</summary>
internal interface IBridgeConnections
{
    /// <summary>By bridge, in the order of the configuration; those of removed bridges that drain come last.</summary>
    /// <param name="bridge">The name of the one bridge; null for all.</param>
    Task<IReadOnlyList<(BridgeSettings Bridge, IReadOnlyList<ConnectionReport> Connections)>> ConnectionsAsync(string? bridge);

    /// <inheritdoc cref="IConnectionList.EndAsync"/>
    Task<int> EndAsync(string? bridge, ConnectionFilter filter);
}
