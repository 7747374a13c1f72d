using NsBridge.Base;
using NsBridge.Control;

namespace NsBridge.Commands.Connections;

/// <summary>The options of <c>nsbridge end</c>: one of the three selections.</summary>
internal sealed record EndOptions(IReadOnlyList<ulong> Ids, string? Bridge, string? Client, string? ConfigFile);

/// <summary><c>nsbridge end</c>: resets connections.</summary>
internal static class EndCommand
{
    /// <summary>A request is one line of at most 4,096 bytes.</summary>
    private const int IdsPerRequest = 150;

    /// <returns>0, or 1 if there was no such connection.</returns>
    public static async Task<int> RunAsync(EndOptions options, CancellationToken stop)
    {
        string path = ControlPath.Find(options.ConfigFile).Socket;
        IEnumerable<string> requests = options.Bridge is { } bridge ? [$"end bridge {bridge}"]
            : options.Client is { } client ? [$"end client {client}"]
            : options.Ids.Distinct().Chunk(IdsPerRequest).Select(ids => $"end id {string.Join(' ', ids)}");
        int ended = 0;
        foreach (string request in requests)
            ended += ControlClient.Read(await ControlClient.AskAsync(path, request, stop), StatusJson.Default.EndDocument).Ended;
        await Console.Out.WriteLineAsync(ended == 1 ? "1 connection was reset" : $"{ended} connections were reset");
        return ended > 0 ? ExitCode.Success : ExitCode.Failed;
    }
}
