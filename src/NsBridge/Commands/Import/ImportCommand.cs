using System.Text;
using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <param name="Sources">Command lines, scripts and units; at least one.</param>
/// <param name="Namespace">Where a target is if nothing around its command names a namespace; null refuses such a command.</param>
internal sealed record ImportOptions(ValueList<string> Sources, string? Namespace);

/// <summary><c>nsbridge import</c>: turns socat commands, and units of socat or systemd-socket-proxyd, into bridge entries.</summary>
internal static class ImportCommand
{
    public static async Task<int> RunAsync(ImportOptions options, CancellationToken stop)
    {
        var maker = new BridgeMaker(options.Namespace);
        List<BridgeDraft> drafts = maker.Make([.. options.Sources.Select(ImportSource.Read)]);
        RefuseWrong(drafts);
        foreach (string note in maker.Notes)
            await Console.Error.WriteLineAsync(note.AsMemory(), stop);
        await Console.Out.WriteLineAsync(DraftText.Of(drafts).AsMemory(), stop);
        return ExitCode.Success;
    }

    /// <summary>Only what the daemon would accept is printed.</summary>
    /// <exception cref="UserErrorException">It would not accept this; the message has every fault.</exception>
    internal static void RefuseWrong(IReadOnlyList<BridgeDraft> drafts)
    {
        byte[] text = Encoding.UTF8.GetBytes($$"""{ "NsBridge": { "Bridges": {{DraftText.Of(drafts)}} } }""");
        ConfigurationOutcome outcome = ConfigurationLoader.LoadText("appsettings.json", text);
        if (outcome.Settings is null)
            throw new UserErrorException($"the result is not a valid configuration:\n{outcome.FaultText}", ExitCode.Usage);
    }
}
