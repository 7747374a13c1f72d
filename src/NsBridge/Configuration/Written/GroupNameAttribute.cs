namespace NsBridge.Configuration.Written;

internal sealed class GroupNameAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => GroupText.TryParse(text, out _, out var fault) ? null : fault;
}
