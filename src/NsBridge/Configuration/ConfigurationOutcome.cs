namespace NsBridge.Configuration;

/// <summary>What loading gave: settings, or every fault there is; never both.</summary>
/// <param name="File">The file that was read, a full path.</param>
/// <param name="Settings">Null exactly where <paramref name="Faults"/> is not empty.</param>
/// <param name="Faults">In the order of the file where they have one.</param>
internal sealed record ConfigurationOutcome(string File, DaemonSettings? Settings, IReadOnlyList<ConfigurationFault> Faults);
