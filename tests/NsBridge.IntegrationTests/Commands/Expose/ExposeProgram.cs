using System.Net;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Expose;

/// <summary><c>nsbridge expose</c> in a working directory, home and temporary directory of its own.</summary>
internal sealed class ExposeProgram : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);
    private readonly ScratchDirectory _scratch = new();
    private readonly IReadOnlyDictionary<string, string?> _environment;

    private ExposeProgram(IReadOnlyDictionary<string, string?>? environment) =>
        _environment = environment ?? new Dictionary<string, string?>();

    /// <summary>What it has left in its directories.</summary>
    public string[] Leftovers => Directory.GetFileSystemEntries(_scratch["own"], "*", SearchOption.AllDirectories);

    /// <summary>Set by <see cref="StartAsync"/>.</summary>
    public BackgroundProcess Process { get; private set; } = null!;

    /// <param name="environment">Variables that its user's engine needs.</param>
    public static async Task<ExposeProgram> PrepareAsync(IReadOnlyDictionary<string, string?>? environment = null)
    {
        var program = new ExposeProgram(environment);
        program._scratch.OpenToEveryone();
        Directory.CreateDirectory(program._scratch["own"]);
        await Command.CheckAsync("chmod", "1777", program._scratch["own"]);
        // Other users may not be able to reach the checkout.
        File.Copy(await PublishedDaemon.PathAsync(), program._scratch["nsbridge"]);
        return program;
    }

    /// <summary>Starts it with <c>--json</c>; the caller's bridges listen where <paramref name="arguments"/> say.</summary>
    public static async Task<ExposeProgram> StartAsync(bool isRootless, params string[] arguments)
    {
        ExposeProgram program = await PrepareAsync();
        program.Start(isRootless, arguments);
        return program;
    }

    public void Start(bool isRootless, params string[] arguments)
    {
        List<string> line = Line(isRootless, ["--json", .. arguments]);
        Process = BackgroundProcess.Start(line[0], line[1..]);
    }

    /// <summary>Runs it to its end.</summary>
    public async Task<CommandResult> RunAsync(bool isRootless, params string[] arguments)
    {
        List<string> line = Line(isRootless, arguments);
        CommandResult result = await Command.RunAsync(line[0], line[1..], s_deadline);
        Executable.CheckPlain(result);
        return result;
    }

    /// <summary>The bridge to a target, once it serves.</summary>
    public async Task<JsonElement> BridgeAsync(string target)
    {
        await Process.LineAsync(line => IsBridge(line, target), s_deadline, $"the bridge to {target}");
        return JsonDocument.Parse(Process.Lines.First(line => IsBridge(line, target))).RootElement;
    }

    /// <summary>Where the bridge to a target listens on 127.0.0.1.</summary>
    public async Task<IPEndPoint> ListenAsync(string target) =>
        new(IPAddress.Loopback, PortOf((await BridgeAsync(target)).GetProperty("listen")[0].GetString()!));

    public void Dispose()
    {
        Process?.Dispose();
        _scratch.Dispose();
    }

    /// <summary>A command line of a group of its own, as from a shell, with signals that are not ignored.</summary>
    public List<string> Line(bool isRootless, params string[] arguments)
    {
        string[] user = isRootless ? ExposePlace.User : [];
        string own = _scratch["own"];
        return
        [
            "setsid", "env", "--default-signal=INT", $"--chdir={own}", $"TMPDIR={own}", $"HOME={own}", $"XDG_RUNTIME_DIR={own}",
            .. _environment.Select(variable => $"{variable.Key}={variable.Value}"), "NsBridge__Bridges__0__Listen=wrong", .. user, _scratch["nsbridge"], "expose", .. arguments,
        ];
    }

    private static int PortOf(string listen) => int.Parse(listen.Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);

    private static bool IsBridge(string line, string target) =>
        line.StartsWith('{') && line.Contains($"\"target\":\"{target}\"", StringComparison.Ordinal);
}
