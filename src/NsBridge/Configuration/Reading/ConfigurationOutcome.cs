using Microsoft.Extensions.Configuration;
using NsBridge.Base;
using NsBridge.Configuration.Settings;

namespace NsBridge.Configuration.Reading;

/// <summary>What loading gave: settings, or every fault there is; never both.</summary>
/// <param name="File">The file that was read, a full path.</param>
/// <param name="Settings">Null exactly where <paramref name="Faults"/> is not empty.</param>
/// <param name="Root">The configuration that the settings come from, with the framework's own sections such as Logging; null with faults.</param>
/// <param name="Faults">Ordered by path.</param>
/// <param name="RuntimeDirectory">Also with faults, where it can be told; else null.</param>
internal sealed record ConfigurationOutcome(
    string File, DaemonSettings? Settings, IConfigurationRoot? Root, IReadOnlyList<ConfigurationFault> Faults, string? RuntimeDirectory)
{
    /// <summary>All faults, one a line.</summary>
    public string FaultText => string.Join(Environment.NewLine, Faults);

    /// <exception cref="UserErrorException">There are faults; it names them all.</exception>
    public DaemonSettings SettingsOrFault() => Settings ?? throw new UserErrorException(FaultText, ExitCode.Configuration);
}
