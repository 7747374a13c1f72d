using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

internal sealed class TargetTextAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => TargetEndpoint.TryParse(text, out _, out string? fault) ? null : fault;
}
