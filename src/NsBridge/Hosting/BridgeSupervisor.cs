using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

/// <summary>
/// Runs every configured bridge as a hosted service, compares the running ones with the wanted ones on a reload and touches only what
/// changed, and stops them in order: unbind, drain, abort.
/// </summary>
internal sealed partial class BridgeSupervisor : IHostedService, IBridgeReports, IStatusLine, IDisposable
{
    private static readonly TimeSpan s_recoveryPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_drainPoll = TimeSpan.FromMilliseconds(20);

    private readonly LoopGroup _engine;
    private readonly RestartCoordinator _succession;
    private readonly ILogger<BridgeSupervisor> _log;
    private readonly UnusedSockets _unused;
    private readonly CancellationToken _hurry;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Bridge> _leaving = [];
    private volatile Bridge[] _bridges = [];
    private DaemonSettings _settings;
    private Task _recovery = Task.CompletedTask;
    private bool _hasBegun;

    /// <param name="settings">What runs first.</param>
    /// <param name="engine">What all bridges share.</param>
    /// <param name="succession">What is left to the next process.</param>
    /// <param name="log">Where the fleet's own facts go.</param>
    /// <param name="hurry">Cuts the drain at the stop short.</param>
    public BridgeSupervisor(DaemonSettings settings, LoopGroup engine, RestartCoordinator succession, ILogger<BridgeSupervisor> log, CancellationToken hurry = default)
    {
        _hurry = hurry;
        _succession = succession;
        _settings = settings;
        _engine = engine;
        _log = log;
        _unused = new UnusedSockets(engine.Sockets, log);
    }

    /// <remarks>
    /// A bridge that has gone on with connections cannot give them back. So where there are any the start goes to its end, and whoever wants it
    /// stopped meanwhile has it stopped as at any other time.
    /// </remarks>
    /// <exception cref="UserErrorException">Not one bridge may listen where it should.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _hasBegun = true;
        bool hasTakenUp = _succession.HasTakenUp;
        if (hasTakenUp)
            cancellationToken = CancellationToken.None;
        if (Privileges.Lacking(_settings) is { } lacking)
            PrivilegeMissing(lacking);
        else if (Privileges.IsSpared(_settings))
            PrivilegeSpared();
        _bridges = [.. _settings.Bridges.Select(settings => new Bridge(settings, _engine))];
        foreach (ConnectionSnapshot misfit in await InnerFirstAsync(_bridges, bridge => StartAsync(bridge, _succession.Claim(bridge.Settings.Name), cancellationToken)))
            _succession.End(misfit);
        _succession.Finish();
        if (!hasTakenUp && _bridges.Where(bridge => bridge.Settings.Enabled).ToArray() is [var first, ..] all && all.All(bridge => bridge.LacksPrivilegeToListen))
        {
            // Known only now: it is the kernel who says which ports are whose. Nothing may stay behind of a start that leads nowhere.
            await Task.WhenAll(_bridges.Select(bridge => bridge.StopAsync(CancellationToken.None)));
            throw Privileges.MissingToListen(first.Settings);
        }
        _engine.Kept.CloseRest();
        await ShelveAsync();
        _engine.Descriptors.Measure();
        _unused.Tell(_settings.Bridges);
        if (_bridges.Length == 0)
            NothingToDo();
        _recovery = RecoverAsync(_stop.Token);
    }

    /// <inheritdoc cref="Bridge.ResumeAsync"/>
    private static async Task<IEnumerable<ConnectionSnapshot>> StartAsync(
        Bridge bridge, IReadOnlyList<ConnectionSnapshot> carried, CancellationToken cancellationToken, bool areIn = false)
    {
        await bridge.StartAsync(cancellationToken);
        return await bridge.ResumeAsync(carried, areIn);
    }

    /// <summary>
    /// Asks all bridges at once, and gathers what they answer. Each has to go to its loop and back, some times over; one after the other, a
    /// thousand bridges would spend half a second on the way.
    /// </summary>
    private static async Task<IEnumerable<T>> TogetherAsync<T>(IEnumerable<Bridge> bridges, Func<Bridge, Task<IEnumerable<T>>> ask) =>
        (await Task.WhenAll(bridges.Select(ask))).SelectMany(answer => answer);

    /// <summary>Asks first those that have an inner half: the outer half of another bridge may be joined to it, and would turn its first clients away.</summary>
    private static async Task<IEnumerable<T>> InnerFirstAsync<T>(IEnumerable<Bridge> bridges, Func<Bridge, Task<IEnumerable<T>>> ask)
    {
        ILookup<bool, Bridge> halves = bridges.ToLookup(bridge => bridge.Settings.Namespace is not null);
        IEnumerable<T> first = await TogetherAsync(halves[true], ask);
        return first.Concat(await TogetherAsync(halves[false], ask));
    }

    /// <summary>Now and then tries again what could not be had, and ends bridges that have drained.</summary>
    private async Task RecoverAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_recoveryPeriod);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                await _turn.WaitAsync(stop);
                try
                {
                    foreach (Bridge bridge in _bridges)
                    {
                        if (bridge.HasLostSocket || bridge.Report().State == BridgeState.Failed)
                            await bridge.RecoverAsync();
                    }
                    if (_engine.Bindings != _bindingsShelved)
                        await ShelveAsync();
                    foreach (Bridge bridge in _leaving.Where(bridge => bridge.HasDrained).ToArray())
                    {
                        _leaving.Remove(bridge);
                        await bridge.StopAsync(stop);
                        bridge.Dispose();
                    }
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_hasBegun)
            return;
        await _stop.CancelAsync();
        await _recovery;
        await _turn.WaitAsync(CancellationToken.None);
        Bridge[] all = [.. _bridges, .. _leaving];
        if (await _succession.IsFollowedAsync())
        {
            await LeaveAsync(all);
            return;
        }
        await _succession.WithdrawAsync();
        await Task.WhenAll(_bridges.Select(bridge => bridge.UnbindAsync()));
        _engine.Kept.CloseRest();
        long left = await ConnectionsAsync(all);
        if (left > 0)
            Draining(_settings.ShutdownTimeout, left);
        long began = Stopwatch.GetTimestamp();
        while (await ConnectionsAsync(all) > 0 && Stopwatch.GetElapsedTime(began) < _settings.ShutdownTimeout
            && !cancellationToken.IsCancellationRequested && !_hurry.IsCancellationRequested)
        {
            await Task.Delay(s_drainPoll, CancellationToken.None);
        }
        left = await ConnectionsAsync(all);
        if (left > 0)
            Aborting(left);
        await Task.WhenAll(all.Select(bridge => bridge.StopAsync(CancellationToken.None)));
    }

    public void Dispose()
    {
        foreach (Bridge bridge in _bridges.Concat(_leaving))
            bridge.Dispose();
        _stop.Dispose();
        _turn.Dispose();
    }

    /// <summary>How many connections this process has a part in.</summary>
    private static async Task<long> ConnectionsAsync(Bridge[] bridges)
    {
        // First: who is taken over elsewhere between the two counts must be in both.
        long active = bridges.Select(bridge => bridge.Tally).Distinct().Sum(tally => tally.Active);
        return active - (await Task.WhenAll(bridges.Select(bridge => bridge.ElsewhereAsync()))).Sum();
    }

    public IReadOnlyList<BridgeReport> Snapshot() => [.. _bridges.Select(bridge => bridge.Report())];

    public string Describe()
    {
        IReadOnlyList<BridgeReport> reports = Snapshot();
        int Count(BridgeState state) => reports.Count(report => report.State == state);
        long connections = reports.Sum(report => report.Active);
        return $"{Count(BridgeState.Up)} up, {Count(BridgeState.Waiting)} waiting, {Count(BridgeState.Failed)} failed; {connections} connections";
    }

    [LoggerMessage(EventId = 1102, Level = LogLevel.Information, Message = "No bridge is configured: nothing to do")]
    private partial void NothingToDo();

    [LoggerMessage(EventId = 1107, Level = LogLevel.Warning, Message = "{Lacking}")]
    private partial void PrivilegeMissing(string lacking);

    [LoggerMessage(EventId = 1110, Level = LogLevel.Information, Message = "CAP_SYS_ADMIN is missing, which no bridge here needs: none enters a network namespace")]
    private partial void PrivilegeSpared();

    [LoggerMessage(EventId = 1105, Level = LogLevel.Information, Message = "Stopping. Connections that have up to {Timeout} to end: {Connections}")]
    private partial void Draining(TimeSpan timeout, long connections);

    [LoggerMessage(EventId = 1106, Level = LogLevel.Warning, Message = "Stopping. Connections that did not end in time and are reset: {Connections}")]
    private partial void Aborting(long connections);
}
