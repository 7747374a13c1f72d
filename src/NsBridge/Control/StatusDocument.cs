using System.Text.Json.Serialization;
using NsBridge.Bridges;
using NsBridge.Configuration.Values;

namespace NsBridge.Control;

/// <summary>The document of <c>nsbridge status --json</c>. Names and shape are promised; keys may be added, never changed.</summary>
/// <param name="Version">Of the daemon, such as <c>0.1.0</c>.</param>
/// <param name="Pid">The daemon's process.</param>
/// <param name="Configuration">The full path of its configuration file; null from an older daemon.</param>
/// <param name="Bridges">In the order of the configuration.</param>
internal sealed record StatusDocument(string Version, int Pid, string? Configuration, IReadOnlyList<BridgeStatus> Bridges);

/// <summary>One bridge in <see cref="StatusDocument"/>.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="State"><c>up</c>, <c>waiting</c>, <c>failed</c> or <c>disabled</c>.</param>
/// <param name="Reason">Why, in words; may be empty.</param>
/// <param name="ReasonCode">Why, for programs: <see cref="Bridges.ReasonCode"/> in lower case with hyphens, <c>none</c> for an empty
/// reason.</param>
/// <param name="Namespace">Its reference is null for an outer half alone.</param>
/// <param name="Listen">As written, or the addresses of systemd's sockets; empty for an inner half alone.</param>
/// <param name="Socket">The path of the UNIX socket; null for none.</param>
/// <param name="Target">As written; null for an outer half alone.</param>
/// <param name="Connections">Numbers of clients.</param>
/// <param name="Bytes">Numbers of bytes since the daemon started.</param>
/// <param name="HandedOver">Whether systemd passed the sockets of <paramref name="Listen"/>.</param>
/// <param name="TargetState"><c>unknown</c>: the target is not probed.</param>
internal sealed record BridgeStatus(
    string Name,
    string Protocol,
    string State,
    string Reason,
    string ReasonCode,
    NamespaceStatus Namespace,
    IReadOnlyList<string> Listen,
    string? Socket,
    string? Target,
    ConnectionCounts Connections,
    ByteCounts Bytes,
    bool HandedOver = false,
    string TargetState = "unknown")
{
    public static BridgeStatus Of(BridgeReport report) => new(
        report.Name,
        report.Protocol == BridgeProtocol.Udp ? "udp" : "tcp",
        report.State switch
        {
            BridgeState.Up => "up",
            BridgeState.Waiting => "waiting",
            BridgeState.Failed => "failed",
            _ => "disabled",
        },
        report.Reason,
        report.ReasonCode.Word,
        new NamespaceStatus(report.NamespaceReference, report.NamespaceCookie),
        report.Listen,
        report.Socket,
        report.Target,
        new ConnectionCounts(report.Active, report.Total, report.Refused, report.Failed),
        new ByteCounts(report.BytesToTarget, report.BytesToClient),
        report.IsHandedOver);
}

/// <summary>The namespace of a bridge.</summary>
/// <param name="Reference">As configured.</param>
/// <param name="Cookie">SO_NETNS_COOKIE; 0 if unknown.</param>
internal sealed record NamespaceStatus(string? Reference, ulong Cookie);

/// <summary>The clients of a bridge.</summary>
/// <param name="Active">Open now.</param>
/// <param name="Total">All since the daemon started.</param>
/// <param name="Refused">Closed before a connect to the target.</param>
/// <param name="Failed">Their target could not be reached.</param>
internal sealed record ConnectionCounts(long Active, long Total, long Refused, long Failed);

/// <summary>The bytes of a bridge.</summary>
internal sealed record ByteCounts(long ToTarget, long ToClient);

/// <summary>Reads and writes <see cref="StatusDocument"/>; generated at compile time for the native executable.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusDocument))]
internal sealed partial class StatusJson : JsonSerializerContext;
