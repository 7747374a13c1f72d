namespace NsBridge.Configuration.Written;

internal sealed class FileModeAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => FileModeText.TryParse(text, out _, out var fault) ? null : fault;
}
