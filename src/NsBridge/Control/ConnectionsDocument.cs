using System.Globalization;
using System.Net;
using System.Text.Json;
using NsBridge.Bridges;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Control;

/// <summary>The document of <c>nsbridge connections --json</c>; keys may be added, never changed.</summary>
/// <param name="Pid">The daemon's process.</param>
/// <param name="Bridges">The names of the bridges that were asked.</param>
/// <param name="Connections">By bridge, in the order of the configuration.</param>
internal sealed record ConnectionsDocument(int Pid, IReadOnlyList<string> Bridges, IReadOnlyList<ConnectionStatus> Connections)
{
    public static ConnectionsDocument Of(IReadOnlyList<(BridgeSettings Bridge, IReadOnlyList<ConnectionReport> Connections)> all) => new(
        Environment.ProcessId,
        [.. all.Select(of => of.Bridge.Name).Distinct()],
        [.. all.SelectMany(of => of.Connections.Select(connection => ConnectionStatus.Of(of.Bridge, connection)))]);
}

/// <summary>A connection or flow in <see cref="ConnectionsDocument"/>.</summary>
/// <param name="Id">Used once in a process; for <c>nsbridge end</c>.</param>
/// <param name="Bridge">The bridge's name.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="Client">Address and port; <c>unix</c> for a client of the UNIX socket.</param>
/// <param name="Pid">The process of a client of the UNIX socket; else null.</param>
/// <param name="User">The number of its user.</param>
/// <param name="Target">As configured, with the one port of a range; the UNIX socket of an outer half alone.</param>
/// <param name="State"><c>connecting</c>, <c>parked</c>, <c>open</c>, <c>half-closed</c>, <c>closing</c> or <c>handed-off</c>.</param>
/// <param name="Place">The place in the line of a parked client, from 1 on; else null.</param>
/// <param name="AgeSeconds">Since the client came.</param>
/// <param name="IdleSeconds">Since the last byte either way.</param>
/// <param name="Bytes">Bytes so far.</param>
/// <param name="Rate">Bytes a second; null if unknown. The command reckons it from two answers of the daemon.</param>
internal sealed record ConnectionStatus(
    ulong Id,
    string Bridge,
    string Protocol,
    string Client,
    int? Pid,
    uint? User,
    string Target,
    string State,
    int? Place,
    double AgeSeconds,
    double IdleSeconds,
    ByteCounts Bytes,
    ByteCounts? Rate = null)
{
    public static ConnectionStatus Of(BridgeSettings bridge, ConnectionReport connection) => new(
        connection.Origin.Id,
        bridge.Name,
        bridge.Protocol == BridgeProtocol.Udp ? "udp" : "tcp",
        connection.Origin.Peer.ToString(),
        connection.Process > 0 ? connection.Process : null,
        connection.Process > 0 ? connection.User : null,
        bridge.Target is { } target ? target.TextAt(connection.Origin.Offset % target.Ports.Count) : $"unix:{bridge.Socket}",
        JsonNamingPolicy.KebabCaseLower.ConvertName(connection.State.ToString()),
        connection.Place > 0 ? connection.Place : null,
        connection.Age / 1000.0,
        connection.Idle / 1000.0,
        new ByteCounts(connection.BytesToTarget, connection.BytesToClient));
}

/// <summary>The answer to an <see cref="EndRequest"/>.</summary>
/// <param name="Ended">How many connections were reset.</param>
internal sealed record EndDocument(int Ended);

/// <summary>The connections to reset: all of a bridge, or those that a filter selects in all bridges.</summary>
internal sealed record EndRequest(string? Bridge, ConnectionFilter Filter)
{
    /// <summary>Reads the words behind <c>end</c>; null if they are none of a request.</summary>
    public static EndRequest? TryRead(ReadOnlySpan<string> words) => words switch
    {
        ["bridge", var name] => new EndRequest(name, new ConnectionFilter(null, null)),
        ["client", var text] when NetworkText.TryParse(text, out IPNetwork clients, out _) =>
            new EndRequest(null, new ConnectionFilter(null, clients)),
        ["id", _, ..] when Parse(words[1..]) is { } ids => new EndRequest(null, new ConnectionFilter(ids, null)),
        _ => null,
    };

    private static HashSet<ulong>? Parse(ReadOnlySpan<string> words)
    {
        var ids = new HashSet<ulong>();
        foreach (string word in words)
        {
            if (!ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
                return null;
            ids.Add(id);
        }
        return ids;
    }
}
