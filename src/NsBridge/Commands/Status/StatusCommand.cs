using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NsBridge.Base;
using NsBridge.Control;

namespace NsBridge.Commands.Status;

/// <summary>The options of <c>nsbridge status</c>.</summary>
internal sealed record StatusOptions(bool Json, bool Watch, string? ConfigFile);

/// <summary><c>nsbridge status</c>: how the running daemon's bridges are, once or again and again.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    /// <summary>Long enough for a rate that means something, short enough not to be noticed.</summary>
    private static readonly TimeSpan s_rateSpan = TimeSpan.FromMilliseconds(400);

    /// <summary>For people and programs, not for web pages: quotes in a reason stay readable.</summary>
    private static readonly JsonWriterOptions s_relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task<int> RunAsync(StatusOptions options, CancellationToken stop)
    {
        (string path, string? doubt) = ControlPath.Find(options.ConfigFile);
        byte[] answer;
        try
        {
            answer = await ControlClient.AskStatusAsync(path, stop);
        }
        catch (UserErrorException fault) when (doubt is not null)
        {
            throw new UserErrorException($"{fault.Message}{Environment.NewLine}{doubt}", fault.ExitCode);
        }
        if (doubt is not null)
            await Console.Error.WriteLineAsync($"{doubt}; the daemon runs on with what it has".AsMemory(), stop);
        if (options.Watch)
            return await WatchAsync(options, path, answer, stop);
        if (options.Json)
        {
            await Console.Out.WriteLineAsync(Written(answer, s_relaxed with { Indented = true }));
            return ExitCode.Success;
        }
        StatusSample first = Sample(answer);
        StatusSample? earlier = null;
        if (first.Document.Bridges.Any(bridge => bridge.Connections.Active > 0))
        {
            await Task.Delay(s_rateSpan, stop);
            (earlier, first) = (first, Sample(await ControlClient.AskStatusAsync(path, stop)));
        }
        var table = new StatusTable(TimeProvider.System, Screen.HasColours);
        await StandardStreams.Terminal.WriteLineAsync(string.Join(Environment.NewLine, table.Lines(first, earlier, Screen.Width)));
        return ExitCode.Success;
    }

    /// <summary>Repeats it. Without a first answer there is nothing to watch; later the daemon may be away for a restart.</summary>
    private static async Task<int> WatchAsync(StatusOptions options, string path, byte[]? answer, CancellationToken stop)
    {
        using Screen? screen = options.Json ? null : new Screen();
        var table = new StatusTable(TimeProvider.System, Screen.HasColours);
        StatusSample? earlier = null;
        try
        {
            while (true)
            {
                if (screen is null)
                {
                    if (answer is not null)
                        await Console.Out.WriteLineAsync(Written(answer, s_relaxed));
                    await Task.Delay(s_period, stop);
                }
                else
                {
                    StatusSample? now = answer is null ? null : Sample(answer);
                    StatusSample? before = earlier;
                    string[] away = [$"the daemon at {path} does not answer; waiting for it"];
                    screen.Show(width => now is null ? away : table.Lines(now, before, width));
                    earlier = now;
                    if (await screen.IsQuitAsync(s_period, stop))
                        return ExitCode.Success;
                }
                answer = await TryAskAsync(path, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
    }

    private static async Task<byte[]?> TryAskAsync(string path, CancellationToken stop)
    {
        try
        {
            return await ControlClient.AskStatusAsync(path, stop);
        }
        catch (UserErrorException)
        {
            return null;
        }
    }

    private static StatusSample Sample(byte[] answer) =>
        new(ControlClient.Read(answer, StatusJson.Default.StatusDocument), TimeProvider.System.GetTimestamp());

    /// <summary>The daemon's own document, with keys that this program may not know yet.</summary>
    private static string Written(byte[] answer, JsonWriterOptions options)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            using var text = new MemoryStream();
            using (var writer = new Utf8JsonWriter(text, options))
                document.RootElement.WriteTo(writer);
            return Encoding.UTF8.GetString(text.ToArray());
        }
        catch (JsonException)
        {
            throw new UserErrorException("the daemon's answer was cut short", ExitCode.Failed);
        }
    }
}
