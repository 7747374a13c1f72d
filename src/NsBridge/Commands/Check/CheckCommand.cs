using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;

namespace NsBridge.Commands.Check;

/// <summary><c>nsbridge check</c>: validates the configuration as the daemon would; starts nothing, needs no privilege.</summary>
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
        // The file too: which one was read depends on the working directory.
        await Console.Out.WriteLineAsync($"configuration is fine: {bridges} {(bridges == 1 ? "bridge" : "bridges")} in {outcome.File}".AsMemory(), stop);
        return ExitCode.Success;
    }
}
