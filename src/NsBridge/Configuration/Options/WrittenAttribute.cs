using System.ComponentModel.DataAnnotations;
using NsBridge.Configuration.Reading;

namespace NsBridge.Configuration.Options;

/// <summary>
/// A rule for one written value. The result reads <c>NsBridge.Bridges[0].Key: what would be right</c>;
/// <see cref="AttributeFaults"/> turns it back into a path.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class WrittenAttribute : ValidationAttribute
{
    /// <summary>Null where the text is right; else what would be.</summary>
    protected abstract string? FaultOf(string text);

    protected sealed override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string text && FaultOf(text) is { } fault
            ? new ValidationResult($"{validationContext.DisplayName}: {fault}")
            : ValidationResult.Success;
}
