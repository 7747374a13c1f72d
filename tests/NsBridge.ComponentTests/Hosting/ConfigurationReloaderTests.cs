using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NsBridge.ComponentTests.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Logging;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Hosting;

/// <summary>A save is noticed whenever it comes, and nothing in the place of the file stops the daemon.</summary>
internal sealed class ConfigurationReloaderTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(3);

    [Test]
    public async Task Save_BetweenTheFirstReadingAndTheWatch_IsNoticed()
    {
        using var scratch = new ScratchDirectory();
        await using var scene = new Scene(scratch.Write("appsettings.json", LoadedText.Json()), () =>
            scratch.Write("appsettings.json", LoadedText.Json($""" "Name":"late", "Enabled":false, "Namespace":"host", "Target":"127.0.0.1:3000" """)));

        await scene.StartAsync();

        await Eventually.TrueAsync(() => Task.FromResult(scene.Bridges == "late"), s_soon, () => "the bridge that was saved is there");
    }

    [Test]
    public async Task File_ReplacedByANamedPipe_IsRefusedAndTheStopGoesOn()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", LoadedText.Json());
        await using var scene = new Scene(file, () => { });
        await scene.StartAsync();

        await Command.CheckAsync("mkfifo", scratch["pipe"]);
        File.Move(scratch["pipe"], file, overwrite: true);

        await Eventually.TrueAsync(() => Task.FromResult(scene.Lines.Any(line => line.Contains("named pipe", StringComparison.Ordinal))), s_soon, () => "the pipe is refused");
        await scene.StopAsync().WaitAsync(s_soon);
    }

    [Test]
    public async Task HangUp_AfterTheWatchHasEnded_DoesNotEndTheProcess()
    {
        var heeded = new TaskCompletionSource<bool>();
        // Asked last, for it was there first.
        using var last = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            heeded.TrySetResult(signal.Cancel);
            signal.Cancel = true;
        });
        using var scratch = new ScratchDirectory();
        await using (var scene = new Scene(scratch.Write("appsettings.json", LoadedText.Json()), () => { }))
            await scene.StartAsync();

        await Command.CheckAsync("kill", "-HUP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

        Assert.That(await heeded.Task.WaitAsync(s_soon), Is.True);
    }

    /// <summary>A fleet without a service manager, and the watch over its file.</summary>
    private sealed class Scene : IAsyncDisposable, ILogger<ConfigurationReloader>
    {
        private readonly ActivationSockets _sockets = ActivationSockets.Adopt([]);
        private readonly BridgeParts _parts;
        private readonly RestartCoordinator _restart = new(new SnapshotStore(null), NullLogger<RestartCoordinator>.Instance);
        private readonly BridgeSupervisor _supervisor;
        private readonly ConfigurationReloader _watch;
        private readonly List<string> _lines = [];

        /// <param name="file">The configuration.</param>
        /// <param name="meanwhile">Comes between the first reading and the watch.</param>
        public Scene(string file, Action meanwhile)
        {
            var loader = new ConfigurationLoader(file, new Dictionary<string, string>());
            DaemonSettings settings = loader.Load().SettingsOrFault();
            meanwhile();
            _parts = new BridgeParts(_sockets);
            _supervisor = _parts.Supervise(settings, _restart, NullLogger<BridgeSupervisor>.Instance);
            _watch = new ConfigurationReloader(loader, settings, _supervisor, new LogLevels(settings.Logging), Options.Create(new HostOptions()), this);
        }

        public string Bridges => string.Join(' ', _supervisor.Snapshot().Select(bridge => bridge.Name));

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lines)
                    return [.. _lines];
            }
        }

        public async Task StartAsync()
        {
            await _watch.StartingAsync(CancellationToken.None);
            await _supervisor.StartAsync(CancellationToken.None);
            await _watch.StartAsync(CancellationToken.None);
        }

        public Task StopAsync() => _watch.StopAsync(CancellationToken.None);

        public async ValueTask DisposeAsync()
        {
            await StopAsync().WaitAsync(s_soon);
            await _supervisor.StopAsync(CancellationToken.None);
            _watch.Dispose();
            _supervisor.Dispose();
            _restart.Dispose();
            _parts.Dispose();
            _sockets.Dispose();
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
                _lines.Add(formatter(state, exception));
        }
    }
}
