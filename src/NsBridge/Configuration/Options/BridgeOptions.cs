using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

/// <summary>Parsed values within the limits of their rows.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class WithinLimitsAttribute : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is KeyValues { Fault: { } fault } ? new ValidationResult(fault) : ValidationResult.Success;
}

/// <summary>One bridge as the host validates it at its start.</summary>
internal sealed class BridgeOptions
{
    [Required(ErrorMessage = BridgeName.Missing)]
    public string? Name { get; set; }

    [WithinLimits]
    public KeyValues Values { get; set; } = KeyValues.Defaults;
}

/// <summary>The list of bridges as the host validates it at its start.</summary>
internal sealed class BridgeListOptions
{
    [ValidateEnumeratedItems]
    public IList<BridgeOptions> Bridges { get; set; } = [];
}

/// <summary>
/// Generated from the attributes at build time: the reflecting ValidateDataAnnotations() accepts wrong entries of a list under NativeAOT.
/// </summary>
[OptionsValidator]
internal sealed partial class BridgeListValidator : IValidateOptions<BridgeListOptions>;
