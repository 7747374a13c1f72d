using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NsBridge.Base;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Logging;

namespace NsBridge.Hosting;

/// <summary>Reloads on SIGHUP and when the file, or one of conf.d, was saved. What is wrong is logged with all its faults and refused as a
/// whole.</summary>
/// <remarks>The files are polled twice a second: editors replace, truncate or rename it, it may be a link into a directory that is swapped,
/// and polling sees all of these alike. A file that changed is read after it has stayed the same for one period, so not
/// half-written.</remarks>
internal sealed partial class ConfigurationReloader : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(500);

    /// <summary>What a stop may take beyond <c>ShutdownTimeout</c>: closing sockets and removing files.</summary>
    private static readonly TimeSpan s_stopMargin = TimeSpan.FromSeconds(5);

    /// <summary>Never disposed: without it, a SIGHUP in the last moments of a stop would end the process with a wrong exit code.</summary>
    private static PosixSignalRegistration? s_hangUp;

    private readonly ConfigurationLoader _loader;
    private readonly BridgeSupervisor _supervisor;
    private readonly LogLevels _levels;
    private readonly HostOptions _host;
    private readonly ILogger<ConfigurationReloader> _log;
    private readonly SemaphoreSlim _asked = new(0);
    private readonly ConfigurationMark _loaded;
    private readonly DaemonSettings _started;
    private DaemonSettings _running;

    public ConfigurationReloader(ConfigurationLoader loader, DaemonSettings running, BridgeSupervisor supervisor, LogLevels levels,
        IOptions<HostOptions> host, ILogger<ConfigurationReloader> log)
    {
        _loader = loader;
        _started = running;
        _running = running;
        _supervisor = supervisor;
        _levels = levels;
        _host = host.Value;
        _log = log;
        _loaded = loader.Mark ?? ConfigurationMark.Of(loader.File);
    }

    /// <summary>What a stop may take with these settings. A reload may change it.</summary>
    public static TimeSpan StopWithin(DaemonSettings settings) => settings.ShutdownTimeout + s_stopMargin;

    /// <summary>Before any bridge is up: a SIGHUP without a handler ends the process.</summary>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        s_hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangUp);
        return Task.CompletedTask;
    }

    private void OnHangUp(PosixSignalContext signal)
    {
        signal.Cancel = true;
        try
        {
            _asked.Release();
        }
        catch (ObjectDisposedException)
        {
            // The daemon stops: nothing reloads any more.
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ConfigurationMark taken = _loaded;
        ConfigurationMark seen = taken;
        try
        {
            while (true)
            {
                bool asked = await _asked.WaitAsync(s_period, stoppingToken);
                var now = ConfigurationMark.Of(_loader.File);
                bool settled = now != taken && now == seen && now.File.Exists;
                seen = now;
                if (!asked && !settled)
                    continue;
                taken = now;
                await ReloadAsync(asked);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task ReloadAsync(bool asked)
    {
        ConfigurationOutcome outcome;
        try
        {
            outcome = _loader.Load(_started.RuntimeDirectory);
        }
        catch (Exception fault)
        {
            // A defect of the reader on an unforeseen file is no reason to end what runs.
            Refused(_loader.File, $"reading it failed ({ErrorText.Of(fault)}), which is a defect of nsbridge");
            return;
        }
        if (outcome.Settings is not { } wanted)
        {
            Refused(_loader.File, outcome.FaultText);
            return;
        }
        bool isNews = wanted != _running;
        string waiting = string.Join(", ", wanted.KeysThatWait(_started));
        // Logged once for a save, and at every reload on request, which must not look complete.
        if (waiting.Length > 0 && (asked || waiting != string.Join(", ", _running.KeysThatWait(_started))))
            NeedsRestart(waiting);
        else if (asked && !isNews)
            Unchanged(_loader.File);
        if (isNews)
            await ApplyAsync(wanted);
        // After the new settings apply: a process id that they no longer contain is not looked up again.
        _supervisor.RenewProcesses();
    }

    private async Task ApplyAsync(DaemonSettings wanted)
    {
        // First, so that the new level holds for the lines of this reload.
        if (!wanted.Logging.Equals(_running.Logging))
            _levels.Change(wanted.Logging);
        await _supervisor.ApplyAsync(wanted);
        // The host reads it when it stops.
        _host.ShutdownTimeout = StopWithin(wanted);
        _running = wanted;
    }

    public override void Dispose()
    {
        _asked.Dispose();
        base.Dispose();
    }

    [LoggerMessage(EventId = 1301, Level = LogLevel.Error,
        Message = "{File} was not taken over, the running bridges stay as they are:\n{Faults}")]
    private partial void Refused(string file, string faults);

    [LoggerMessage(EventId = 1302, Level = LogLevel.Information, Message = "{File} says what runs already")]
    private partial void Unchanged(string file);

    [LoggerMessage(EventId = 1303, Level = LogLevel.Warning, Message = "Changed, but in effect from the next start on only: {Keys}")]
    private partial void NeedsRestart(string keys);
}
