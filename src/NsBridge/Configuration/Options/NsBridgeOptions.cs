using Microsoft.Extensions.Options;

namespace NsBridge.Configuration.Options;

/// <summary>
/// The section <c>NsBridge</c> as written. Every value is text: binding text never throws, so that one wrong number
/// does not hide the other faults.
/// </summary>
internal sealed class NsBridgeOptions
{
    public const string SectionName = "NsBridge";

    [AbsolutePath("/run/nsbridge")]
    public string? RuntimeDirectory { get; set; }

    [Duration(0, DurationAttribute.Day)]
    public string? ShutdownTimeout { get; set; }

    [WholeNumber(0, 64)]
    public string? EventLoops { get; set; }

    [OneOf("true", "false")]
    public string? IoUring { get; set; }

    [ValidateObjectMembers]
    public MetricsOptions Metrics { get; set; } = new();

    [ValidateEnumeratedItems]
    public List<BridgeOptions> Bridges { get; set; } = [];
}
