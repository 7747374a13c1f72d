using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Systemd;

/// <summary>The published daemon under a service manager that keeps its descriptors and starts it again whenever it ends.</summary>
internal sealed class ManagedService : IDisposable
{
    private const string Started = "started ";
    private const string Ended = "ended ";
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    private readonly ScratchDirectory _scratch = new();
    private readonly BackgroundProcess _manager;

    private ManagedService(string executable, DaemonConfig settings)
    {
        Write(settings);
        _manager = BackgroundProcess.Start("/usr/bin/python3",
            [Path.Combine(AppContext.BaseDirectory, "service-manager.py"), _scratch["notify"], executable, "run", "--config",
                _scratch["appsettings.json"]]);
    }

    public static async Task<ManagedService> StartAsync(DaemonConfig settings)
    {
        await DebianPackages.RequireAsync("python3-minimal", "libpython3-stdlib", "util-linux");
        return new ManagedService(await PublishedDaemon.PathAsync(), settings);
    }

    /// <summary>How many processes the service has had.</summary>
    public int Starts => Lines(Started).Count;

    /// <summary>The exit codes of those that have ended, in order.</summary>
    public IReadOnlyList<int> Codes => Lines(Ended);

    public string RuntimeDirectory => _scratch["run"];

    /// <summary>Writes what the next process begins with; the one that runs may be quicker.</summary>
    public void Write(DaemonConfig settings) =>
        _scratch.Write("appsettings.json", (settings with { RuntimeDirectory = RuntimeDirectory }).ToJson());

    /// <summary>Signals the process of the service.</summary>
    public Task SignalAsync(string signal) => Command.CheckAsync("/bin/sh", "-c", $"kill -{signal} {Lines(Started)[^1]}");

    /// <summary>Stops the service, and the manager with it.</summary>
    public async Task StopAsync()
    {
        await _manager.SignalAsync("TERM");
        await _manager.ExitAsync();
    }

    public Task WaitAsync(Func<bool> condition, string what) =>
        Eventually.TrueAsync(() => Task.FromResult(condition()), s_deadline, () => $"{what}\n{Text}");

    /// <summary>All messages.</summary>
    public string Text => string.Join('\n', _manager.Lines);

    private List<int> Lines(string beginning) =>
        [.. _manager.Lines.Where(line => line.StartsWith(beginning, StringComparison.Ordinal))
            .Select(line => int.Parse(line[beginning.Length..], CultureInfo.InvariantCulture))];

    public void Dispose()
    {
        _manager.Dispose();
        _scratch.Dispose();
    }
}
