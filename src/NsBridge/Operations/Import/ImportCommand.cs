using NsBridge.CommandLine;
using NsBridge.Operations.Discover;

namespace NsBridge.Operations.Import;

/// <summary><c>nsbridge import</c>: turns socat commands, and unit files that hold them, into bridge entries.</summary>
internal static class ImportCommand
{
    public static async Task<int> RunAsync(ImportOptions options, CancellationToken stop)
    {
        var commands = options.Sources.SelectMany(SourceReader.Read).ToList();
        var notes = new List<string>();
        var drafts = new SocatPairs(options.Namespace, notes).Join(commands);
        foreach (var note in notes)
            await Console.Error.WriteLineAsync(note.AsMemory(), stop);
        await Console.Out.WriteLineAsync(DraftText.Of(drafts).AsMemory(), stop);
        return ExitCode.Well;
    }
}
