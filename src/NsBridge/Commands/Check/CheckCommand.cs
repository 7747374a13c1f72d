using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;

namespace NsBridge.Commands.Check;

/// <param name="ConfigFile">The file of <c>--config</c>; null for the daemon's own.</param>
/// <param name="Schema">Whether to print the JSON schema instead.</param>
internal sealed record CheckOptions(string? ConfigFile, bool Schema = false);

/// <summary><c>nsbridge check</c>: validates the configuration as the daemon does; starts nothing, needs no privilege.</summary>
internal static class CheckCommand
{
    public static async Task<int> RunAsync(CheckOptions options, CancellationToken stop)
    {
        if (options.Schema)
        {
            await Console.Out.WriteLineAsync(JsonSchema.Text(KeyTable.Default).AsMemory(), stop);
            return ExitCode.Success;
        }
        ConfigurationOutcome outcome = ConfigurationLoader.ForProcess(options.ConfigFile).Load();
        int bridges = outcome.SettingsOrFault().Bridges.Count;
        string count = bridges == 1 ? "1 bridge" : $"{bridges} bridges";
        // With the file: it depends on the working directory.
        await Console.Out.WriteLineAsync($"configuration is fine: {count} in {outcome.File}".AsMemory(), stop);
        return ExitCode.Success;
    }
}
