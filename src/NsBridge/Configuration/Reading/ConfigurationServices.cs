using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NsBridge.Base;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Makes a loaded configuration known to the host.</summary>
internal static class ConfigurationServices
{
    /// <summary>
    /// Registers the settings, and the written options with the validator that the loader has used on them.
    /// </summary>
    /// <exception cref="UserErrorException">The outcome holds faults.</exception>
    public static IServiceCollection AddNsBridgeConfiguration(this IServiceCollection services, ConfigurationOutcome outcome)
    {
        services.AddSingleton(outcome.SettingsOrFault());
        services.AddSingleton<IValidateOptions<NsBridgeOptions>, NsBridgeOptionsValidator>();
        services.AddOptions<NsBridgeOptions>().Bind(outcome.Root!.GetSection(NsBridgeOptions.SectionName)).ValidateOnStart();
        return services;
    }
}
