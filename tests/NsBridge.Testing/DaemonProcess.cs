using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace NsBridge.Testing;

/// <summary>
/// A running <c>nsbridge</c>, published and started as a user would, with a configuration file and a runtime directory of its own. Whoever
/// starts one ends it by <see cref="StopAsync"/>, which also checks what must hold at the end of every daemon.
/// </summary>
public sealed partial class DaemonProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_readyDeadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_quietDeadline = TimeSpan.FromSeconds(15);
    // A daemon may keep these open after the first connections: kept links, a timer, a ring.
    private const int DescriptorsItMayKeep = 9;
    private readonly BackgroundProcess _process;
    private readonly ScratchDirectory _scratch;
    private readonly string _executable;
    private int _descriptorsAtStart;
    private bool _stopped;

    private DaemonProcess(BackgroundProcess process, ScratchDirectory scratch, string executable, string runtimeDirectory)
    {
        _process = process;
        _scratch = scratch;
        _executable = executable;
        RuntimeDirectory = runtimeDirectory;
    }

    public int Id => _process.Id;

    /// <summary>The folder of its sockets.</summary>
    public string RuntimeDirectory { get; }

    /// <summary>The file that it was started with and that a reload reads again.</summary>
    public string ConfigurationFile => _scratch["appsettings.json"];

    /// <summary>Every line of its log so far.</summary>
    public IReadOnlyList<string> Log => _process.Lines;

    public bool HasExited => _process.HasExited;

    public long ResidentBytes => ProcessFacts.ResidentBytes(Id);

    public TimeSpan ProcessorTime => ProcessFacts.ProcessorTime(Id);

    /// <summary>Starts a daemon and returns when everything that <paramref name="settings"/> names listens.</summary>
    public static async Task<DaemonProcess> StartAsync(DaemonConfig settings, DaemonLaunch? launch = null)
    {
        DaemonProcess daemon = await LaunchAsync(settings, launch);
        try
        {
            foreach (BridgeEntry bridge in settings.Bridges)
                await daemon.WaitListeningAsync(bridge);
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
        daemon._descriptorsAtStart = ProcessFacts.Descriptors(daemon.Id).Count;
        return daemon;
    }

    /// <summary>Starts a daemon without waiting for anything but the process.</summary>
    public static async Task<DaemonProcess> LaunchAsync(DaemonConfig settings, DaemonLaunch? launch = null)
    {
        launch ??= new DaemonLaunch();
        var scratch = new ScratchDirectory();
        string executable = await PublishedDaemon.PathAsync();
        string runtimeDirectory = settings.RuntimeDirectory ?? Directory.CreateDirectory(scratch["run"]).FullName;
        if (launch.User is { } user)
        {
            // Other users may not be able to reach the checkout.
            scratch.OpenToEveryone();
            File.Copy(executable, scratch["nsbridge"]);
            executable = scratch["nsbridge"];
            await Command.CheckAsync("chown", user, runtimeDirectory);
        }
        scratch.Write("appsettings.json", (settings with { RuntimeDirectory = runtimeDirectory }).ToJson());
        List<string> line = launch.CommandLine(executable, "run", "--config", scratch["appsettings.json"]);
        var process = BackgroundProcess.Start(line[0], line[1..], launch.Environment);
        return new DaemonProcess(process, scratch, executable, runtimeDirectory)
        {
            _descriptorsAtStart = int.MaxValue - DescriptorsItMayKeep,
        };
    }

    /// <summary>The path of a bridge's UNIX socket if its entry does not set one.</summary>
    public string SocketPath(string bridge) => Path.Combine(RuntimeDirectory, $"{bridge}.sock");

    /// <summary>Waits until the bridge's listeners on the host accept connections, and its UNIX socket if it has an inner half.</summary>
    public async Task WaitListeningAsync(BridgeEntry bridge)
    {
        if (bridge.Enabled == false)
            return;
        IEnumerable<string> onHost = bridge.ListenNamespace is null ? bridge.ListenTexts : [];
        if (bridge.Protocol == "udp")
        {
            if (bridge.Namespace is not null)
                await WaitListeningAsync(bridge.Socket ?? SocketPath(bridge.Name));
            foreach (string text in onHost)
            {
                int port = int.Parse(text[(text.LastIndexOf(':') + 1)..].Split('-')[^1], System.Globalization.CultureInfo.InvariantCulture);
                await WaitAsync(() => HostSockets.IsUdpBound(port), $"a UDP socket on port {port}");
            }
            return;
        }
        foreach (string text in onHost)
        {
            if (IPEndPoint.TryParse(text, out IPEndPoint? endPoint) && endPoint.Port != 0)
                await WaitListeningAsync(endPoint);
        }
        if (bridge.Namespace is not null)
            await WaitListeningAsync(bridge.Socket ?? SocketPath(bridge.Name));
    }

    public Task WaitListeningAsync(IPEndPoint endPoint) => WaitAsync(() => HostSockets.IsListening(endPoint), $"a listener on {endPoint}");

    /// <summary>
    /// Waits for a UNIX socket's file. The file has its name only when the socket accepts connections; a file that was there before looks
    /// the same.
    /// </summary>
    public Task WaitListeningAsync(string unixPath) => WaitAsync(() => File.Exists(unixPath), $"a listener on {unixPath}");

    /// <summary>Waits until nothing listens there any more.</summary>
    public Task WaitNotListeningAsync(IPEndPoint endPoint) =>
        WaitAsync(() => !HostSockets.IsListening(endPoint), $"no listener on {endPoint}");

    /// <summary>
    /// Waits for a log line that contains <paramref name="text"/>, in any case, at or after line <paramref name="from"/>.
    /// </summary>
    public Task WaitLogAsync(string text, int from = 0) =>
        WaitAsync(() => Log.Skip(from).Any(line => line.Contains(text, StringComparison.OrdinalIgnoreCase)), $"a log line with '{text}'");

    /// <summary>Waits for a condition that the daemon should bring about; fails with its log if it ends instead or is too slow.</summary>
    public async Task WaitAsync(Func<bool> condition, string what, TimeSpan? deadline = null)
    {
        await Eventually.TrueAsync(
            () =>
            {
                if (condition())
                    return Task.FromResult(true);
                return HasExited ? throw new InvalidOperationException($"The daemon ended while waiting for {what}.\n{LogText()}")
                    : Task.FromResult(false);
            },
            deadline ?? s_readyDeadline,
            () => $"{what}\n{LogText()}");
    }

    /// <summary>
    /// Runs another command of the same program with this daemon's configuration file: <c>status</c>, <c>check</c>, <c>doctor</c>.
    /// </summary>
    public Task<CommandResult> AskAsync(string command, params string[] options) =>
        Command.RunAsync(_executable, [command, .. options, "--config", ConfigurationFile]);

    /// <summary>What <c>status --json</c> answers.</summary>
    public async Task<JsonElement> StatusAsync()
    {
        CommandResult result = await AskAsync("status", "--json");
        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        return JsonDocument.Parse(result.Output).RootElement;
    }

    /// <summary>Waits until <c>status</c> is answered and <paramref name="condition"/> holds for each bridge in it.</summary>
    public Task WaitStatusAsync(Func<JsonElement, bool> condition, string what)
    {
        CommandResult? last = null;
        return Eventually.TrueAsync(
            async () =>
            {
                last = await AskAsync("status", "--json");
                return last.ExitCode == 0 && JsonDocument.Parse(last.Output).RootElement.GetProperty("bridges").EnumerateArray()
                    .All(condition);
            },
            s_readyDeadline,
            () => $"{what}\n{last?.Everything}\n{LogText()}");
    }

    /// <summary>Writes new settings over the file in place, as <c>echo &gt;</c> does, keeping the runtime directory.</summary>
    public void Rewrite(DaemonConfig settings) => File.WriteAllText(ConfigurationFile, ToJson(settings));

    /// <summary>The text of <paramref name="settings"/> with this daemon's runtime directory.</summary>
    public string ToJson(DaemonConfig settings) => (settings with { RuntimeDirectory = RuntimeDirectory }).ToJson();

    public Task SignalAsync(string signal) => _process.SignalAsync(signal);

    /// <summary>Checks what holds when all connections are closed: no descriptor is left and no thread is in another namespace.</summary>
    public async Task CheckQuietAsync(int mayKeep = 0)
    {
        int most = _descriptorsAtStart + DescriptorsItMayKeep + mayKeep;
        IReadOnlyList<string> open = ProcessFacts.Descriptors(Id);
        await Eventually.TrueAsync(
            () => Task.FromResult((open = ProcessFacts.Descriptors(Id)).Count <= most),
            s_quietDeadline,
            () => $"descriptors back from {open.Count} to {_descriptorsAtStart} (+{DescriptorsItMayKeep + mayKeep}):\n" +
                string.Join('\n', open.CountBy(target => target.Split(':')[0]).OrderByDescending(kind => kind.Value)) + $"\n{LogText()}");
        // The first thread never enters a namespace, so it shows the daemon's own, also if the daemon was started in a namespace.
        string? home = new FileInfo($"/proc/{Id}/ns/net").LinkTarget;
        var foreign = ProcessFacts.ThreadNamespaces(Id).Where(space => space != home).ToList();
        Assert.That(foreign, Is.Empty, "threads of the daemon in a foreign network namespace");
    }

    /// <summary>Waits for a daemon that ends by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ExitAsync(TimeSpan? deadline = null)
    {
        try
        {
            int code = await _process.ExitAsync(deadline);
            _stopped = true;
            return code;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The daemon does not end.\n{LogText()}\n{ProcessFacts.Threads(Id)} threads wait "
                + $"in:\n{ProcessFacts.Waits(Id)}");
        }
    }

    /// <summary>Sends SIGTERM, then checks the end: exit code 0, no file left, no stack trace in the log.</summary>
    public async Task StopAsync(TimeSpan? deadline = null)
    {
        if (_stopped)
            return;
        await SignalAsync("TERM");
        int code = await ExitAsync(deadline);
        Assert.Multiple(() =>
        {
            Assert.That(code, Is.Zero, () => $"exit code after SIGTERM\n{LogText()}");
            Assert.That(Directory.Exists(RuntimeDirectory) ? Directory.GetFileSystemEntries(RuntimeDirectory) : [], Is.Empty,
                "files left behind");
        });
        CheckNoStackTrace();
    }

    /// <summary>No stack trace and no resource key ever reaches a user.</summary>
    public void CheckNoStackTrace() => Assert.That(
        Log.Where(line => StackTrace().IsMatch(line) || ResourceKey().IsMatch(line)), Is.Empty,
        () => $"a stack trace in the log\n{LogText()}");

    /// <summary>A name that stands for a message of the framework in the native executable: <c>Arg_OutOfMemoryException</c>.</summary>
    [GeneratedRegex(@"\b(?:[A-Z][A-Za-z]*[a-z]|net)_[A-Za-z]|ErrorStartingProcess")]
    public static partial Regex ResourceKey();

    /// <summary>The last lines of the log, for failure messages.</summary>
    public string LogText() => $"The daemon's log:\n{string.Join('\n', Log.TakeLast(60))}";

    public ValueTask DisposeAsync()
    {
        _process.Dispose();
        _scratch.Dispose();
        return ValueTask.CompletedTask;
    }

    [GeneratedRegex(@"^\s+at \S+\(|Unhandled exception|--- End of")]
    private static partial Regex StackTrace();
}
