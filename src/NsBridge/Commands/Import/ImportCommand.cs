using System.Text;
using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Reading;

namespace NsBridge.Commands.Import;

/// <summary><c>nsbridge import</c>: turns socat commands, and unit files that hold them, into bridge entries.</summary>
internal static class ImportCommand
{
    public static async Task<int> RunAsync(ImportOptions options, CancellationToken stop)
    {
        var commands = options.Sources.SelectMany(SourceReader.Read).ToList();
        var notes = new List<string>();
        List<BridgeDraft> drafts = new SocatPairs(options.Namespace, notes).Join(commands);
        RefuseWrong(drafts);
        foreach (string note in notes)
            await Console.Error.WriteLineAsync(note.AsMemory(), stop);
        await Console.Out.WriteLineAsync(DraftText.Of(drafts).AsMemory(), stop);
        return ExitCode.Success;
    }

    /// <summary>What is printed is to be pasted: the daemon has to take it.</summary>
    /// <exception cref="UserErrorException">It would not; says every fault.</exception>
    internal static void RefuseWrong(IReadOnlyList<BridgeDraft> drafts)
    {
        byte[] text = Encoding.UTF8.GetBytes($"{{ \"NsBridge\": {{ \"Bridges\": {DraftText.Of(drafts)} }} }}");
        ConfigurationOutcome outcome = ConfigurationLoader.LoadText("appsettings.json", text);
        if (outcome.Settings is null)
            throw new UserErrorException($"what this becomes is no right configuration:\n{outcome.FaultText}", ExitCode.Usage);
    }
}
