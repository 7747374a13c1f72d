namespace NsBridge.Configuration.Written;

internal sealed class TargetTextAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text) => TargetEndpoint.TryParse(text, out _, out var fault) ? null : fault;
}
