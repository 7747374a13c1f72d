using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Values;

namespace NsBridge.Control;

/// <summary>The document of <c>nsbridge status --json</c>. Names and shape are promised; keys may be added, never changed.</summary>
/// <param name="Version">Of the daemon, such as <c>0.1.0</c>.</param>
/// <param name="Pid">The daemon's process.</param>
/// <param name="Configuration">The full path of its configuration file; null from an older daemon.</param>
/// <param name="Bridges">In the order of the configuration.</param>
/// <param name="Started">When the process started, in UTC; null from an older daemon.</param>
internal sealed record StatusDocument(
    string Version, int Pid, string? Configuration, IReadOnlyList<BridgeStatus> Bridges, DateTime? Started = null)
{
    /// <summary>The daemon at this moment.</summary>
    public static StatusDocument Now(string configuration, IBridgeReports reports)
    {
        using var self = Process.GetCurrentProcess();
        return new StatusDocument(
            ProductVersion.Text,
            self.Id,
            configuration,
            [.. reports.Snapshot().Select(BridgeStatus.Of)],
            self.StartTime.ToUniversalTime());
    }
}

/// <summary>One bridge in <see cref="StatusDocument"/>.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="State"><c>up</c>, <c>waiting</c>, <c>failed</c> or <c>disabled</c>.</param>
/// <param name="Reason">Why, in words; may be empty.</param>
/// <param name="ReasonCode">Why, for programs: <see cref="Bridges.ReasonCode"/> in lower case with hyphens, <c>none</c> for an empty
/// reason.</param>
/// <param name="Namespace">Its reference is null for an outer half alone.</param>
/// <param name="Listen">As written, or the addresses of systemd's sockets; empty for an inner half alone.</param>
/// <param name="ListenNamespace">The namespace of <paramref name="Listen"/>, <c>host</c> for the host's; null for an inner half
/// alone.</param>
/// <param name="Socket">The path of the UNIX socket; null for none.</param>
/// <param name="Target">As written; null for an outer half alone.</param>
/// <param name="TargetState"><c>answers</c>, <c>refuses</c>, <c>silent</c> or <c>unknown</c>.</param>
/// <param name="LastFailure">Null if the last client that tried reached the target.</param>
/// <param name="Connections">Numbers of clients.</param>
/// <param name="Bytes">Numbers of bytes since the daemon started.</param>
/// <param name="HandedOver">Whether systemd passed the sockets of <paramref name="Listen"/>.</param>
internal sealed record BridgeStatus(
    string Name,
    string Protocol,
    string State,
    string Reason,
    string ReasonCode,
    NamespaceStatus Namespace,
    IReadOnlyList<string> Listen,
    string? ListenNamespace,
    string? Socket,
    string? Target,
    string TargetState,
    FailureStatus? LastFailure,
    ConnectionCounts Connections,
    ByteCounts Bytes,
    bool HandedOver = false)
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
        report.ListenNamespace,
        report.Socket is { Length: > 0 } socket ? socket : null,
        report.Target,
        JsonNamingPolicy.KebabCaseLower.ConvertName(report.TargetState.ToString()),
        report.LastFailure is { } failure ? new FailureStatus(failure.At.UtcDateTime, failure.Reason, failure.Count) : null,
        new ConnectionCounts(report.Active, report.Total, report.Refused, report.Failed),
        new ByteCounts(report.BytesToTarget, report.BytesToClient),
        report.IsHandedOver);
}

/// <summary>The namespace of a bridge.</summary>
/// <param name="Reference">As configured.</param>
/// <param name="Cookie">SO_NETNS_COOKIE; 0 if unknown.</param>
internal sealed record NamespaceStatus(string? Reference, ulong Cookie);

/// <summary>The clients in a row that could not reach the target.</summary>
/// <param name="At">When the last one failed, in UTC.</param>
/// <param name="Reason">Why it failed.</param>
/// <param name="Count">How many failed since the last client that reached the target.</param>
internal sealed record FailureStatus(DateTime At, string Reason, long Count);

/// <summary>The clients of a bridge.</summary>
/// <param name="Active">Open now.</param>
/// <param name="Total">All since the daemon started.</param>
/// <param name="Refused">Closed before a connect to the target.</param>
/// <param name="Failed">Their target could not be reached.</param>
internal sealed record ConnectionCounts(long Active, long Total, long Refused, long Failed);

/// <summary>The bytes of a bridge.</summary>
internal sealed record ByteCounts(long ToTarget, long ToClient);

/// <summary>Reads and writes the documents of the control socket; generated at compile time for the native executable.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(ConnectionsDocument))]
[JsonSerializable(typeof(EndDocument))]
internal sealed partial class StatusJson : JsonSerializerContext
{
    /// <summary>As the commands print it.</summary>
    public static StatusJson Readable { get; } = new(ReadableJson.Options());
}
