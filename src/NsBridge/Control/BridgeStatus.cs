using NsBridge.Bridges;

namespace NsBridge.Control;

/// <summary>One bridge in <see cref="StatusDocument"/>.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="State"><c>up</c>, <c>waiting</c>, <c>failed</c> or <c>disabled</c>.</param>
/// <param name="Reason">Why, in words; may be empty.</param>
/// <param name="ReasonCode">Why, for programs: <see cref="Bridges.ReasonCode"/> in lower case with hyphens, <c>none</c> for an empty reason.</param>
/// <param name="Namespace">Always there; its reference is null for an outer half alone.</param>
/// <param name="Listen">As written, or where systemd's sockets listen; empty for an inner half alone.</param>
/// <param name="Socket">The path of the UNIX socket; null where there is none.</param>
/// <param name="Target">As written; null for an outer half alone.</param>
/// <param name="Connections">Numbers of clients.</param>
/// <param name="Bytes">Numbers of bytes.</param>
/// <param name="HandedOver">Whether <paramref name="Listen"/> is what systemd handed over.</param>
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
    bool HandedOver = false)
{
    public static BridgeStatus Of(BridgeReport report) => new(
        report.Name,
        report.Protocol == Configuration.Values.BridgeProtocol.Udp ? "udp" : "tcp",
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
