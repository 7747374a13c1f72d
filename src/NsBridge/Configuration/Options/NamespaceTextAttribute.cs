using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

internal sealed class NamespaceTextAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => NamespaceReference.TryParse(text, out _, out string? fault) ? null : fault;
}
