using NsBridge.Configuration;

namespace NsBridge.CommandLine;

/// <summary><c>nsbridge check</c>: validates the configuration as the daemon would; starts nothing, needs no privilege.</summary>
internal static class CheckCommand
{
    public static async Task<int> RunAsync(CheckOptions options, CancellationToken stop)
    {
        var settings = ConfigurationLoader.ForProcess(options.ConfigFile).Load().SettingsOrFault();
        var bridges = settings.Bridges.Count;
        await Console.Out.WriteLineAsync($"configuration is fine: {bridges} {(bridges == 1 ? "bridge" : "bridges")}".AsMemory(), stop);
        return ExitCode.Well;
    }
}
