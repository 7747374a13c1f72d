using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

/// <summary>Starts every configured bridge, changes only what differs on a reload, retries what failed, and stops in order: unbind, drain,
/// abort; or unbind and hand over when another process of the service follows.</summary>
/// <param name="settings">The configuration at the start; <see cref="ApplyAsync"/> replaces it.</param>
/// <param name="factory">Makes the bridges.</param>
/// <param name="listening">Opens and keeps their listening sockets.</param>
/// <param name="descriptors">Counts the process's descriptors.</param>
/// <param name="restart">Passes sockets from the previous process and to the next one.</param>
/// <param name="log">For facts about all bridges together.</param>
/// <param name="hurry">Cuts the drain at the stop short.</param>
internal sealed partial class BridgeSupervisor(
    DaemonSettings settings, BridgeFactory factory, ListeningSockets listening, DescriptorBudget descriptors, RestartCoordinator restart,
    ILogger<BridgeSupervisor> log, CancellationToken hurry = default)
    : IHostedService, IBridgeReports, IBridgeConnections, IStatusLine, IDisposable
{
    private static readonly TimeSpan s_recoveryPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_drainPoll = TimeSpan.FromMilliseconds(20);

    private readonly UnusedSockets _unused = new(listening.Activation, log);
    private readonly StepGuard _guard = new(log);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private volatile Bridge[] _bridges = [], _leaving = [];
    private DaemonSettings _settings = settings;
    private Task _recovery = Task.CompletedTask;
    private int? _bindingsStored;
    private bool _hasBegun;

    /// <summary>Takes over what the previous process left. Once, before anything is bound; <see cref="GiveBackAsync"/> undoes it.</summary>
    /// <param name="stored">Descriptors from the manager's store; owned from here on.</param>
    public void Restore(IReadOnlyList<ActivationFd> stored)
    {
        restart.Restore(stored, listening.Inherited);
        CloseUnwanted(_settings.Bridges);
    }

    /// <summary>Leaves what was restored to the next process, if the start ended before the bridges began.</summary>
    public Task GiveBackAsync() => _hasBegun ? Task.CompletedTask : restart.GiveBackAsync(listening.Inherited);

    /// <remarks>A bridge cannot give restored connections back, so a start with any runs to its end before it is stopped.</remarks>
    /// <exception cref="UserErrorException">Every bridge lacks the privilege to listen.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _hasBegun = true;
        bool hasRestored = restart.HasRestored;
        if (hasRestored)
            cancellationToken = CancellationToken.None;
        Privileges.Log(log, _settings);
        _bridges = [.. _settings.Bridges.Select(settings => factory.Create(settings))];
        IEnumerable<ConnectionSnapshot> misfits = await InnerFirstAsync(
            _bridges, bridge => StartAsync(bridge, restart.Claim(bridge.Settings.Name), cancellationToken));
        foreach (ConnectionSnapshot misfit in misfits)
            restart.End(misfit);
        restart.Finish();
        Bridge[] enabled = [.. _bridges.Where(bridge => bridge.Settings.Enabled)];
        if (!hasRestored && enabled.Length > 0 && enabled.All(bridge => bridge.LacksPrivilegeToListen))
        {
            // Only the kernel knows which ports need the privilege. Nothing stays behind of a start that fails.
            await Task.WhenAll(_bridges.Select(bridge => bridge.StopAsync(CancellationToken.None)));
            throw Privileges.MissingToListen(enabled[0].Settings);
        }
        await StoreListenersAsync(closeRest: true);
        descriptors.Bridges = _bridges.Length;
        descriptors.Measure();
        _unused.Log(_settings.Bridges);
        if (_bridges.Length == 0)
            NothingToDo();
        _recovery = RecoverAsync(_stop.Token);
    }

    /// <inheritdoc cref="BridgeHandover.ResumeAsync"/>
    private static async Task<IEnumerable<ConnectionSnapshot>> StartAsync(
        Bridge bridge, IReadOnlyList<ConnectionSnapshot> connections, CancellationToken cancellationToken, bool areIn = false)
    {
        await bridge.StartAsync(cancellationToken);
        return await bridge.Handover.ResumeAsync(connections, areIn);
    }

    /// <summary>Asks all bridges at once: each switches to its loop several times; a thousand, one by one, take half a second.</summary>
    private static async Task<IEnumerable<T>> TogetherAsync<T>(IEnumerable<Bridge> bridges, Func<Bridge, Task<IEnumerable<T>>> ask) =>
        (await Task.WhenAll(bridges.Select(ask))).SelectMany(answer => answer);

    /// <summary>Bridges with an inner half first: an outer half of another bridge may need it, and would reset its first clients.</summary>
    private static async Task<IEnumerable<T>> InnerFirstAsync<T>(IEnumerable<Bridge> bridges, Func<Bridge, Task<IEnumerable<T>>> ask)
    {
        ILookup<bool, Bridge> halves = bridges.ToLookup(bridge => bridge.Settings.Namespace is not null);
        return [.. await TogetherAsync(halves[true], ask), .. await TogetherAsync(halves[false], ask)];
    }

    /// <summary>Applies a new configuration. An unchanged bridge is not touched.</summary>
    /// <remarks>The order, and the reason of each step: <list type="number">
    /// <item>Diff: a bridge whose change needs no other socket goes on with its new settings.</item>
    /// <item>Release: removed and replaced bridges give up their listeners before a new bridge binds, which may want the same port. Clients
    /// without a target go to the replacement, as the old target may be unwanted by now; those of a removed bridge are reset.</item>
    /// <item>Policy: released bridges drain by the WhenNamespaceGoes of the bridge that has their name now.</item>
    /// <item>Close: unwanted listeners go before the others bind, since a wildcard socket blocks its port. The store is updated at once: a
    /// port is free only when the manager has closed its copy too.</item>
    /// <item>Start: inner halves before outer halves. A new bridge takes a released listener over, so no client is refused.</item>
    /// <item>Store: what listens now survives a crash, and listeners that no bridge took are closed.</item>
    /// </list></remarks>
    public Task ApplyAsync(DaemonSettings wanted) =>
        ExclusiveAsync(() => _stop.IsCancellationRequested ? Task.CompletedTask : ReloadAsync(wanted), CancellationToken.None);

    private async Task ReloadAsync(DaemonSettings wanted)
    {
        Dictionary<string, BridgeSettings> byName = wanted.Bridges.ToDictionary(settings => settings.Name);
        Dictionary<string, Bridge> same = _bridges.Where(bridge => TryContinue(bridge, byName.GetValueOrDefault(bridge.Settings.Name)))
            .ToDictionary(bridge => bridge.Settings.Name);
        Bridge[] released = [.. _bridges.Except(same.Values)];
        Dictionary<string, IReadOnlyList<ConnectionSnapshot>> pending = await ReleaseAsync(released, byName);
        foreach (Bridge leaving in _leaving)
            leaving.AdoptPolicy(byName.GetValueOrDefault(leaving.Settings.Name));
        Bridge[] next = [.. wanted.Bridges.Select(settings => same.GetValueOrDefault(settings.Name) ?? Make(settings))];
        Bridge[] started = [.. next.Except(same.Values)];
        _bridges = next;
        if (CloseUnwanted(started.Select(bridge => bridge.Settings)) > 0)
            await StoreListenersAsync();
        await StartAsync(started, pending);
        await StoreListenersAsync(closeRest: true);
        descriptors.Bridges = _bridges.Length;
        descriptors.Measure();
        _settings = wanted;
        _unused.Log(wanted.Bridges);
        Reloaded(next.Length, started.Length, released.Length - pending.Count);
    }

    /// <summary>A reload, a round of recovery and the stop exclude each other.</summary>
    private async Task ExclusiveAsync(Func<Task> action, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            await action();
        }
        finally
        {
            _turn.Release();
        }
    }

    private static bool TryContinue(Bridge bridge, BridgeSettings? settings)
    {
        bool isChanged = settings != bridge.Settings;
        if (settings is null || (isChanged && !bridge.CanApply(settings)))
            return false;
        if (isChanged)
            bridge.Apply(settings);
        return true;
    }

    /// <returns>By bridge, the clients without a target, for its replacement.</returns>
    private async Task<Dictionary<string, IReadOnlyList<ConnectionSnapshot>>> ReleaseAsync(
        Bridge[] released, Dictionary<string, BridgeSettings> wanted)
    {
        var pending = new Dictionary<string, IReadOnlyList<ConnectionSnapshot>>();
        foreach (Bridge bridge in released)
        {
            await bridge.UnbindAsync();
            _leaving = [.. _leaving, bridge];
            IReadOnlyList<ConnectionSnapshot> clients = await bridge.Handover.ReleasePendingAsync();
            if (wanted.TryGetValue(bridge.Settings.Name, out BridgeSettings? replacement))
            {
                pending.Add(bridge.Settings.Name, clients);
                if (bridge.Settings.Enabled && !replacement.Enabled)
                    bridge.OnSwitchedOff();
                continue;
            }
            foreach (ConnectionSnapshot client in clients)
                bridge.Handover.Reject(client);
            bridge.OnRemoved();
        }
        return pending;
    }

    /// <summary>A new bridge with the counters of the one it replaces, or of one that an earlier reload removed and that drains.</summary>
    private Bridge Make(BridgeSettings settings) =>
        factory.Create(settings, Array.FindLast(_leaving, leaving => leaving.Settings.Name == settings.Name));

    private static async Task StartAsync(Bridge[] started, Dictionary<string, IReadOnlyList<ConnectionSnapshot>> pending)
    {
        IEnumerable<ConnectionSnapshot> misfits = await InnerFirstAsync(started, bridge =>
            StartAsync(bridge, pending.GetValueOrDefault(bridge.Settings.Name) ?? [], CancellationToken.None, areIn: true));
        foreach (ConnectionSnapshot misfit in misfits)
            started.First(bridge => bridge.Settings.Name == misfit.Bridge).Handover.Reject(misfit);
    }

    /// <inheritdoc cref="BridgeFactory.RenewProcesses"/>
    public void RenewProcesses() => factory.RenewProcesses();

    /// <summary>Closes inherited listeners that no bridge is about to take: they block the port for others.</summary>
    private int CloseUnwanted(IEnumerable<BridgeSettings> starting) =>
        listening.Inherited.CloseAllBut(new WantedListeners(starting).Contains);

    /// <summary>Stores what listens now, so that it survives a crash. After a failure the next tick tries again.</summary>
    private async Task StoreListenersAsync(bool closeRest = false)
    {
        if (closeRest)
            listening.Inherited.CloseRest();
        int bindings = listening.Bindings;
        IEnumerable<ListenerSnapshot> bound = await TogetherAsync(_bridges, bridge => bridge.Handover.ListenersAsync());
        _bindingsStored = await restart.StoreAsync(listening.Inherited.All().Concat(bound)) ? bindings : null;
    }

    /// <summary>Every second, retries what failed and ends bridges that have drained. Ends only by <paramref name="stop"/>.</summary>
    private async Task RecoverAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_recoveryPeriod);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
                await ExclusiveAsync(RecoverOnceAsync, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task RecoverOnceAsync()
    {
        foreach (Bridge bridge in _bridges)
            await _guard.RunAsync($"recover bridge '{bridge.Settings.Name}'", () =>
                bridge.MayRecover ? bridge.RecoverAsync() : Task.CompletedTask);
        await _guard.RunAsync("store the listening sockets", () =>
            listening.Bindings == _bindingsStored ? Task.CompletedTask : StoreListenersAsync());
        foreach (Bridge bridge in _leaving.Where(bridge => bridge.HasDrained))
        {
            _leaving = [.. _leaving.Except([bridge])];
            await _guard.RunAsync($"end bridge '{bridge.Settings.Name}'", () => bridge.StopAsync(CancellationToken.None));
            bridge.Dispose();
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
        if (await restart.IsFollowedAsync())
        {
            await HandOverAsync(all);
            return;
        }
        await _guard.RunAsync("clear the store", restart.WithdrawAsync);
        await _guard.ForAllAsync("unbind", _bridges, bridge => bridge.UnbindAsync());
        listening.Inherited.CloseRest();
        await _guard.RunAsync("drain the bridges", () => DrainAsync(all, cancellationToken));
        await _guard.ForAllAsync("stop", all, bridge => bridge.StopAsync(CancellationToken.None));
    }

    /// <summary>Suspends every bridge and hands its sockets to the next process.</summary>
    private async Task HandOverAsync(Bridge[] all)
    {
        await _guard.ForAllAsync("unbind", all, bridge => bridge.UnbindAsync());
        var connections = new List<ConnectionSnapshot>();
        await _guard.ForAllAsync("suspend", all, async bridge =>
        {
            IEnumerable<ConnectionSnapshot> suspended = await bridge.Handover.SuspendAsync();
            lock (connections)
                connections.AddRange(suspended);
        });
        restart.HandOver(new RestartSnapshot(listening.Inherited.All(), connections));
        listening.Inherited.Forget();
    }

    private async Task DrainAsync(Bridge[] all, CancellationToken cancellationToken)
    {
        long left = await ConnectionsAsync(all);
        if (left > 0)
            Draining(_settings.ShutdownTimeout, left);
        long began = Stopwatch.GetTimestamp();
        bool IsOver() => cancellationToken.IsCancellationRequested || hurry.IsCancellationRequested
            || Stopwatch.GetElapsedTime(began) >= _settings.ShutdownTimeout;
        while (left > 0 && !IsOver())
        {
            await Task.Delay(s_drainPoll, CancellationToken.None);
            left = await ConnectionsAsync(all);
        }
        if (left > 0)
            Aborting(left);
    }

    public void Dispose()
    {
        foreach (Bridge bridge in _bridges.Concat(_leaving))
            bridge.Dispose();
        _stop.Dispose();
        _turn.Dispose();
    }

    /// <summary>Connections that this process relays or dials for.</summary>
    private static async Task<long> ConnectionsAsync(Bridge[] bridges)
    {
        // Before the other count: a connection that another process takes over in between must be in both.
        long active = bridges.Select(bridge => bridge.Counters).Distinct().Sum(tally => tally.Active);
        return active - (await Task.WhenAll(bridges.Select(bridge => bridge.HandedOffCountAsync()))).Sum();
    }

    public IReadOnlyList<BridgeReport> Snapshot() => [.. _bridges.Select(bridge => bridge.Report())];

    public async Task<IReadOnlyList<(BridgeSettings, IReadOnlyList<ConnectionReport>)>> ConnectionsAsync(string? bridge) =>
        [.. await Task.WhenAll(Named(bridge).Select(async named => (named.Settings, await named.ConnectionsAsync())))];

    public async Task<int> EndAsync(string? bridge, ConnectionFilter filter) =>
        (await Task.WhenAll(Named(bridge).Select(named => named.EndAsync(filter)))).Sum();

    private IEnumerable<Bridge> Named(string? name) =>
        _bridges.Concat(_leaving).Where(bridge => name is null || bridge.Settings.Name == name);

    public string Describe()
    {
        IReadOnlyList<BridgeReport> reports = Snapshot();
        int Count(BridgeState state) => reports.Count(report => report.State == state);
        long connections = reports.Sum(report => report.Active);
        return $"{Count(BridgeState.Up)} up, {Count(BridgeState.Waiting)} waiting, {Count(BridgeState.Failed)} failed; " +
            $"{connections} connections";
    }

    [LoggerMessage(EventId = 1102, Level = LogLevel.Information,
        Message = "No bridge is configured: nothing to do")]
    private partial void NothingToDo();

    [LoggerMessage(EventId = 1103, Level = LogLevel.Information,
        Message = "Reloaded. Bridges: {Bridges}; new or made anew: {Fresh}; removed: {Gone}")]
    private partial void Reloaded(int bridges, int fresh, int gone);

    [LoggerMessage(EventId = 1105, Level = LogLevel.Information,
        Message = "Stopping. Connections that have up to {Timeout} to end: {Connections}")]
    private partial void Draining(TimeSpan timeout, long connections);

    [LoggerMessage(EventId = 1106, Level = LogLevel.Warning,
        Message = "Stopping. Connections that did not end in time and are reset: {Connections}")]
    private partial void Aborting(long connections);
}
