using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Status;

/// <summary><c>status --watch</c> on a terminal of its own, made by script(1), which writes down all that is drawn.</summary>
internal sealed class TerminalWatch : IDisposable
{
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l";
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly ScratchDirectory _scratch = new();
    private readonly BackgroundProcess _script;

    private TerminalWatch(DaemonProcess daemon, string executable, int rows, int columns)
    {
        // The settings of the terminal are printed before and after: they must be the same.
        string inside = _scratch.Write("inside.sh", $"""
            stty rows {rows} cols {columns}
            stty -g
            TERM=xterm sh -c 'echo $$ > {_scratch["pid"]}; exec {executable} status --watch --config {daemon.ConfigurationFile}'
            echo "ended $?"
            stty -g
            touch {_scratch["ended"]}
            """);
        const string keys = """
            (until [ -e "$1" ] || [ -e "$2" ]; do sleep 0.05; done; [ ! -e "$1" ] || cat "$1") | script --quiet --flush --command "$3" "$4"
            """;
        _script = BackgroundProcess.Start("sh", ["-c", keys, "sh", _scratch["keys"], _scratch["ended"], $"sh {inside}", _scratch["drawn"]]);
    }

    public static async Task<TerminalWatch> StartAsync(DaemonProcess daemon, int rows, int columns) =>
        new(daemon, await PublishedDaemon.PathAsync(), rows, columns);

    /// <summary>What has been drawn so far, frame by frame; the last one may not be whole yet.</summary>
    public string[] Frames => Between(Drawn).Split("\e[H", StringSplitOptions.RemoveEmptyEntries);

    private string Drawn => File.Exists(_scratch["drawn"]) ? File.ReadAllText(_scratch["drawn"]) : "";

    /// <summary>Waits until a frame after the first <paramref name="from"/> holds a text.</summary>
    /// <returns>How many frames there are then.</returns>
    public async Task<int> ShowsAsync(string text, int from = 0)
    {
        await Eventually.TrueAsync(
            () => Task.FromResult(Frames.Skip(from).Any(frame => frame.Contains(text, StringComparison.Ordinal))), s_soon, () =>
                $"'{text}' in a frame of\n{Drawn}");
        return Frames.Length;
    }

    /// <summary>Interrupts it, as Ctrl-C does, and checks that it leaves the terminal as it was.</summary>
    /// <returns>The text on the terminal's screen at that time.</returns>
    public async Task<string> InterruptAsync()
    {
        await Command.CheckAsync("kill", "-INT", (await File.ReadAllTextAsync(_scratch["pid"])).Trim());
        return await EndAsync();
    }

    /// <summary>Presses keys, of which the last ends it, and checks that it leaves the terminal as it was.</summary>
    /// <returns>What stands on the terminal's own screen then.</returns>
    public async Task<string> PressAsync(string keys)
    {
        File.Move(_scratch.Write("typed", keys), _scratch["keys"]);
        return await EndAsync();
    }

    private async Task<string> EndAsync()
    {
        await _script.ExitAsync(s_soon);
        string drawn = Drawn;
        string after = drawn[(drawn.IndexOf(Leave, StringComparison.Ordinal) + Leave.Length)..];
        Assert.That(drawn, Does.Contain(Leave));
        Assert.That(after, Does.Contain("ended 0"));
        string[] lines = drawn.Split('\n').Select(line => line.Trim()).ToArray();
        int end = Array.IndexOf(lines, "ended 0");
        Assert.That(lines[end + 1], Is.EqualTo(
            lines.First(line => line.Contains(':', StringComparison.Ordinal) && !line.StartsWith("Script", StringComparison.Ordinal))),
            "the terminal's settings");
        return after;
    }

    public void Dispose()
    {
        _script.Dispose();
        _scratch.Dispose();
    }

    private static string Between(string drawn)
    {
        int enter = drawn.IndexOf(Enter, StringComparison.Ordinal);
        if (enter < 0)
            return "";
        string rest = drawn[(enter + Enter.Length)..];
        int leave = rest.IndexOf(Leave, StringComparison.Ordinal);
        return leave < 0 ? rest : rest[..leave];
    }
}
