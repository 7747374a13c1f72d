using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;

namespace NsBridge.Configuration.Reading;

/// <summary>Makes a loaded configuration known to the host.</summary>
internal static class ConfigurationServices
{
    /// <summary>Registers the settings, and their validation at the host's start: the second line, behind the loader.</summary>
    /// <exception cref="UserErrorException">The outcome holds faults.</exception>
    [DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(DaemonOptions))]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2026",
        Justification = "The options are flat, and their members are kept. The list of bridges has a generated validator.")]
    public static IServiceCollection AddNsBridgeConfiguration(this IServiceCollection services, ConfigurationOutcome outcome)
    {
        DaemonSettings settings = outcome.SettingsOrFault();
        services.AddSingleton(settings);
        services.AddOptions<DaemonOptions>()
            .Configure(options => (options.RuntimeDirectory, options.Values) = (outcome.DirectoryAsGiven, settings.Values))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<BridgeListOptions>, BridgeListValidator>();
        services.AddOptions<BridgeListOptions>()
            .Configure(options => options.Bridges =
                [.. settings.Bridges.Select(bridge => new BridgeOptions { Name = bridge.Name, Values = bridge.Values })])
            .ValidateOnStart();
        return services;
    }

    /// <summary>What the operator reads if the host refuses to start.</summary>
    public static UserErrorException Explain(OptionsValidationException refusal)
    {
        // "DataAnnotation validation failed for 'Type' members: 'Member' with the error: 'Text'."
        const string Before = "with the error: '";
        IEnumerable<string> texts = refusal.Failures.Select(failure =>
            failure.IndexOf(Before, StringComparison.Ordinal) is >= 0 and int start
                ? failure[(start + Before.Length)..].TrimEnd('.', '\'')
                : failure);
        return new UserErrorException(string.Join(Environment.NewLine, texts), ExitCode.Configuration);
    }
}
