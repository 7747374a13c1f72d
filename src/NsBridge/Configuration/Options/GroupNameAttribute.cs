using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

internal sealed class GroupNameAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => GroupText.TryParse(text, out _, out string? fault) ? null : fault;
}
