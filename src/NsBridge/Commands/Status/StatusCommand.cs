using System.Text.Encodings.Web;
using System.Text.Json;
using NsBridge.Base;
using NsBridge.Control;

namespace NsBridge.Commands.Status;

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
        (string? path, string? doubt) = ControlPath.Find(options.ConfigFile);
        if (doubt is not null)
            await Console.Error.WriteLineAsync(doubt.AsMemory(), stop);
        if (options.Watch)
            return await WatchAsync(options, path, stop);
        byte[] answer = await ControlClient.AskStatusAsync(path, stop);
        if (options.Json)
        {
            await Console.Out.WriteLineAsync(Indented(answer));
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
        await StandardStreams.Terminal.WriteLineAsync(string.Join(Environment.NewLine, table.Lines(first, earlier)));
        return ExitCode.Success;
    }

    private static async Task<int> WatchAsync(StatusOptions options, string path, CancellationToken stop)
    {
        // The first question decides whether there is anything to watch; later the daemon may be away for a restart.
        byte[]? answer = await ControlClient.AskStatusAsync(path, stop);
        using Screen? screen = options.Json ? null : new Screen();
        var table = new StatusTable(TimeProvider.System, Screen.HasColours);
        using var timer = new PeriodicTimer(s_period);
        StatusSample? earlier = null;
        try
        {
            while (true)
            {
                if (screen is null)
                {
                    if (answer is not null)
                        await Console.Out.WriteLineAsync(OneLine(answer));
                }
                else if (answer is null)
                {
                    screen.Show([$"the daemon at {path} does not answer; waiting for it"]);
                    earlier = null;
                }
                else
                {
                    StatusSample now = Sample(answer);
                    screen.Show(table.Lines(now, earlier));
                    earlier = now;
                }

                await timer.WaitForNextTickAsync(stop);
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

    private static StatusSample Sample(byte[] answer)
    {
        try
        {
            StatusDocument? document = JsonSerializer.Deserialize(answer, StatusJson.Default.StatusDocument);
            return new StatusSample(document!, TimeProvider.System.GetTimestamp());
        }
        catch (JsonException)
        {
            throw new UserErrorException("the daemon's answer is not understood: it is of another version than this program", ExitCode.Failed);
        }
    }

    private static string Indented(byte[] answer) => Written(answer, s_relaxed with { Indented = true });

    private static string OneLine(byte[] answer) => Written(answer, s_relaxed);

    /// <summary>The daemon's own document, with keys that this program may not know yet.</summary>
    private static string Written(byte[] answer, JsonWriterOptions options)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            using var text = new MemoryStream();
            using (var writer = new Utf8JsonWriter(text, options))
                document.RootElement.WriteTo(writer);
            return System.Text.Encoding.UTF8.GetString(text.ToArray());
        }
        catch (JsonException)
        {
            throw new UserErrorException("the daemon's answer was cut short", ExitCode.Failed);
        }
    }
}
