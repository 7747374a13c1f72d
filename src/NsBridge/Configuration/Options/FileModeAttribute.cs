using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

internal sealed class FileModeAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => FileModeText.TryParse(text, out _, out string? fault) ? null : fault;
}
