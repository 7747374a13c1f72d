using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

internal sealed class MetricsListenAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => MetricsEndpoint.TryParse(text, out _, out string? fault) ? null : fault;
}
