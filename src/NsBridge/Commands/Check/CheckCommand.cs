using System.Text.Json;
using System.Text.Json.Serialization;
using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Commands.Status;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;

namespace NsBridge.Commands.Check;

/// <param name="ConfigFile">The file of <c>--config</c>; null for the daemon's own.</param>
/// <param name="Schema">Whether to print the JSON schema instead.</param>
/// <param name="Json">Whether to print the result as JSON.</param>
internal sealed record CheckOptions(string? ConfigFile, bool Schema = false, bool Json = false);

/// <summary>What <c>check --json</c> prints; nsbridge(8) documents it.</summary>
/// <param name="Configuration">The configuration file.</param>
/// <param name="Bridges">How many there are; null with faults.</param>
/// <param name="Faults">Empty if all is right.</param>
internal sealed record CheckDocument(string Configuration, int? Bridges, IReadOnlyList<FaultEntry> Faults);

[JsonSerializable(typeof(CheckDocument))]
internal sealed partial class CheckJson : JsonSerializerContext
{
    public static string Of(CheckDocument document) =>
        JsonSerializer.Serialize(document, new CheckJson(ReadableJson.Options()).CheckDocument);
}

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
        if (options.Json)
        {
            var document = new CheckDocument(outcome.File, outcome.Settings?.Bridges.Count, FaultEntry.Of(outcome));
            await Console.Out.WriteLineAsync(CheckJson.Of(document).AsMemory(), stop);
            return outcome.Settings is null ? ExitCode.Configuration : ExitCode.Success;
        }
        string bridges = Count(SettingsOf(outcome).Bridges.Count, "bridge");
        string added = outcome.AddedFiles == 0 ? "" : $" and {Count(outcome.AddedFiles, "file")} in conf.d beside it";
        // With the file: it depends on the working directory.
        await Console.Out.WriteLineAsync($"configuration is fine: {bridges} in {outcome.File}{added}".AsMemory(), stop);
        return ExitCode.Success;
    }

    /// <exception cref="UserErrorException">There are faults, which fit into the terminal.</exception>
    private static DaemonSettings SettingsOf(ConfigurationOutcome outcome)
    {
        try
        {
            return outcome.SettingsOrFault();
        }
        catch (UserErrorException fault) when (!Console.IsErrorRedirected)
        {
            // A line of the file and the mark below it begin with a space.
            IEnumerable<string> lines = fault.Message.Split('\n')
                .Select(line => line is [' ', ..] ? line : Wording.Wrap(line, before: 2, Screen.Width));
            throw new UserErrorException(string.Join('\n', lines), fault.ExitCode);
        }
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
