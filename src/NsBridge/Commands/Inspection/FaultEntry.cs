using NsBridge.Configuration.Reading;

namespace NsBridge.Commands.Inspection;

/// <summary>A fault of the configuration as the commands print it in JSON; nsbridge(8) documents it.</summary>
internal sealed record FaultEntry(string Path, string? Value, string Expectation, string File)
{
    public static IReadOnlyList<FaultEntry> Of(ConfigurationOutcome outcome) =>
        [.. outcome.Faults.Select(fault => new FaultEntry(fault.Path, fault.Value, fault.Message, fault.File ?? outcome.File))];
}
