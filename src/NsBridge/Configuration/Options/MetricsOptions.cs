namespace NsBridge.Configuration.Options;

/// <summary>The section <c>NsBridge:Metrics</c> as written.</summary>
internal sealed class MetricsOptions
{
    [MetricsListen]
    public string? Listen { get; set; }
}
