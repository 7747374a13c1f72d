using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

/// <summary>An absolute path.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AbsolutePathAttribute : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string text && !AbsolutePath.TryParseDirectory(text, out _, out string fault)
            ? new ValidationResult($"{KeyTable.Section}:{validationContext.DisplayName} = \"{text}\": {fault}")
            : ValidationResult.Success;
}

/// <summary>What the daemon starts with beside its bridges, as the host validates it at its start.</summary>
internal sealed class DaemonOptions
{
    /// <summary>Of the file, the environment or, unlike all else here, of the service manager (<c>$RUNTIME_DIRECTORY</c>): the loader
    /// passes over a wrong one of those, so that commands work in any environment, and only the daemon's start refuses it.</summary>
    [Required(ErrorMessage = $"{KeyTable.Section}:{nameof(RuntimeDirectory)}: the daemon needs a directory")]
    [AbsolutePath]
    public string RuntimeDirectory { get; set; } = "";

    [WithinLimits]
    public KeyValues Values { get; set; } = KeyValues.Defaults;
}

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

/// <summary>Generated from the attributes at build time: the reflecting ValidateDataAnnotations() accepts wrong entries of a list under
/// NativeAOT.</summary>
[OptionsValidator]
internal sealed partial class BridgeListValidator : IValidateOptions<BridgeListOptions>;
