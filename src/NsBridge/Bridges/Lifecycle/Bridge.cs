using Microsoft.Extensions.Hosting;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>The state machine of one configured bridge: an outer and an inner half, whichever are configured, joined by its UNIX socket. A
/// start never fails for what may pass: the bridge is then waiting or failed, with a reason, and retries.</summary>
internal sealed class Bridge : IHostedService, IBridgeContext, IDisposable
{
    /// <summary>A probe takes microseconds; a machine that needs longer than this has another fault.</summary>
    private static readonly TimeSpan s_firstProbeTimeout = TimeSpan.FromSeconds(10);

    private readonly EventLoop _home;
    private readonly NamespaceWatch _namespaces;
    private readonly BridgeReporter _reporter;
    private readonly HalfFactory _halves;
    private readonly BridgeLog _log;
    private readonly ValueList<ListenEndpoint>? _listenBefore;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile BridgeSettings _settings;
    private NamespaceTracker? _target;
    private NamespaceTracker? _listener;
    private ReturnPath? _returnPath;
    private IInnerHalf? _inner;
    private IOuterHalf? _outer;
    private volatile StateReason? _fault;
    private volatile bool _stopping;
    private bool _hasSuccessor;

    public Bridge(
        BridgeSettings settings,
        EventLoop home,
        NamespaceWatch namespaces,
        ListeningSockets listening,
        HalfFactory halves,
        BridgeClients clients,
        BridgeLog log,
        ValueList<ListenEndpoint>? listenBefore)
    {
        _settings = settings;
        _home = home;
        _namespaces = namespaces;
        _reporter = new BridgeReporter(this, listening, log);
        _halves = halves;
        Clients = clients;
        _log = log;
        _listenBefore = listenBefore;
        Handover = new BridgeHandover(this, clients);
    }

    public BridgeSettings Settings => _settings;
    public BridgeCounters Counters => Clients.Counters;
    public BridgeClients Clients { get; }

    /// <summary>Passes sockets and connections to the next bridge of the name.</summary>
    public BridgeHandover Handover { get; }

    /// <summary>Whether this bridge's own connections have ended and all their sockets are closed.</summary>
    public bool HasDrained => Clients.Count == 0;

    /// <summary>Whether <see cref="RecoverAsync"/> may have something to do.</summary>
    public bool MayRecover => _inner is { IsSocketInPlace: false } || _outer?.BindTrouble is not null
        || _settings.ListensOnInterface || _returnPath is not null || Judge().State == BridgeState.Failed;

    /// <summary>Whether no listener can be bound for lack of a privilege.</summary>
    public bool LacksPrivilegeToListen => _outer is { IsBound: false, BindTrouble.Code: ReasonCode.ListenerForbidden };

    public SockAddr JoinAddress => _inner?.SocketAddress ?? SockAddr.FromPath(_settings.Socket);

    internal IInnerHalf? Inner => _inner;
    internal IOuterHalf? Outer => _outer;
    internal NamespaceState? TargetNamespace => _target?.State;

    /// <summary>How many clients an inner half of another process has taken over; only an outer half alone has any.</summary>
    public Task<int> HandedOffCountAsync() =>
        _target is null && _outer is IOuterCarrier outer ? outer.HandedOffCountAsync() : Task.FromResult(0);

    /// <inheritdoc cref="IConnectionList.ConnectionsAsync"/>
    public async Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() =>
        [.. (await Task.WhenAll(ConnectionLists().Select(list => list.ConnectionsAsync()))).SelectMany(reports => reports)];

    /// <inheritdoc cref="IConnectionList.EndAsync"/>
    public async Task<int> EndAsync(ConnectionFilter filter) =>
        (await Task.WhenAll(ConnectionLists().Select(list => list.EndAsync(filter)))).Sum();

    private IEnumerable<IConnectionList> ConnectionLists() => new object?[] { _outer, _inner }.OfType<IConnectionList>();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!_settings.Enabled)
            return;
        _reporter.OnListenChanged(_listenBefore);
        if (_settings.Namespace is { } reference)
            _target = await TrackAsync(reference, OnTargetNamespaceChanged, cancellationToken);
        if (_target is { } target)
            _returnPath = await ReturnPath.StartAsync(this, target, () => OnTargetNamespaceChanged(target));
        if (_settings.Listen.Count > 0)
        {
            _listener = await TrackAsync(_settings.ListenNamespace, OnListenNamespaceChanged, cancellationToken);
            _outer = _halves.MakeOuter(this, Clients, _home, _listener);
        }
        await RecoverAsync();
    }

    private async Task<NamespaceTracker> TrackAsync(
        NamespaceReference reference, Action<NamespaceTracker> changed, CancellationToken cancellationToken)
    {
        NamespaceTracker tracker = _namespaces.Acquire(reference);
        try
        {
            await tracker.FirstLook.WaitAsync(s_firstProbeTimeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            // No descriptor is left, for example. The bridge waits as for a missing namespace; the others start.
        }
        catch
        {
            _namespaces.Release(tracker);
            throw;
        }
        tracker.Changed += changed; // Not earlier: a start reports its state once, with all its reasons.
        return tracker;
    }

    private void Untrack(NamespaceTracker? tracker, Action<NamespaceTracker> changed)
    {
        if (tracker is null)
            return;
        tracker.Changed -= changed;
        _namespaces.Release(tracker);
    }

    /// <summary>Makes sockets that could not be made before, and proves the return path again. Cheap if nothing is missing.</summary>
    public async Task RecoverAsync()
    {
        if (!_settings.Enabled)
            return;
        await _turn.WaitAsync();
        try
        {
            if (_stopping)
                return;
            if (_inner is not null)
                await KeepSocketAsync(_inner);
            else if (_target is not null)
                await StartInnerAsync(_target);
            if (_outer is not null && (_target is null || _inner is not null))
                await _outer.BindAsync();
            await (_returnPath?.RenewAsync() ?? Task.CompletedTask);
        }
        finally
        {
            _turn.Release();
        }
        OnStateChanged();
    }

    private async Task StartInnerAsync(NamespaceTracker target)
    {
        IInnerHalf? inner = null;
        try
        {
            inner = _halves.MakeInner(this, Clients, _home, target);
            await inner.StartAsync();
            _inner = inner;
            // Its socket has been open for a moment; a change in that moment reached nothing.
            ApplyTargetNamespace();
            _fault = null;
        }
        catch (BridgeSetupException fault)
        {
            _fault = fault.Reason;
            if (inner is null)
                return;
            // The next attempt makes another half, which takes over the UNIX socket.
            await inner.UnbindAsync();
            await inner.AbortAsync();
        }
    }

    private async Task KeepSocketAsync(IInnerHalf inner)
    {
        try
        {
            if (!inner.IsSocketInPlace)
            {
                await inner.MakeSocketAnewAsync();
                _log.SocketMadeAnew(_settings.Socket);
            }
            _fault = null;
        }
        catch (BridgeSetupException fault)
        {
            _fault = fault.Reason;
        }
    }

    /// <summary>Whether <paramref name="settings"/> can be adopted without touching a listener or a connection.</summary>
    public bool CanApply(BridgeSettings settings) => settings.CanReplace(_settings);

    /// <summary>Adopts settings for which <see cref="CanApply"/> holds.</summary>
    public void Apply(BridgeSettings settings)
    {
        BridgeSettings before = _settings;
        _settings = settings;
        Clients.Change(settings);
        _inner?.Change();
        (_outer as IOuterCarrier)?.Change();
        if (settings.Target != before.Target)
            Clients.ForgetTarget();
        if (settings.WhenNamespaceGoes != before.WhenNamespaceGoes)
            ApplyNamespaces();
        _log.Changed(areFlows: settings.Protocol == BridgeProtocol.Udp, isRetargeted: settings.Target != before.Target);
    }

    /// <summary>An unbound bridge adopts the policy of its successor; without one its connections do not outlive the namespace.</summary>
    /// <param name="successor">The settings of the bridge that has the name now. If one runs, the stop of this one is not logged: it would
    /// read as the other's.</param>
    public void AdoptPolicy(BridgeSettings? successor)
    {
        Clients.OnReplaced();
        _hasSuccessor = successor is { Enabled: true };
        WhenNamespaceGoes policy = successor?.WhenNamespaceGoes ?? WhenNamespaceGoes.Close;
        if (_settings.WhenNamespaceGoes == policy)
            return;
        _settings = _settings.With(BridgeKeys.WhenNamespaceGoes, policy);
        ApplyNamespaces();
    }

    /// <summary>Logs that a reload has removed the bridge, after <see cref="UnbindAsync"/>.</summary>
    public void OnRemoved() => _log.Removed(Clients.Count);

    /// <summary>Logs that a reload has switched the bridge off, after <see cref="UnbindAsync"/>.</summary>
    public void OnSwitchedOff() => _log.SwitchedOff(Clients.Count);

    public void ProbeNamespaces() => _namespaces.ProbeNow();

    public void AbortClientsIn(ulong cookie) => (_inner as IInnerCarrier)?.AbortClientsIn(cookie);

    private void OnTargetNamespaceChanged(NamespaceTracker tracker)
    {
        ApplyTargetNamespace();
        OnStateChanged();
    }

    private void OnListenNamespaceChanged(NamespaceTracker tracker)
    {
        _outer?.OnNamespaceChanged();
        OnStateChanged();
    }

    /// <summary>Applies the state of the target's namespace to the inner half. Until it is known, resumed connections go on.</summary>
    internal void ApplyTargetNamespace()
    {
        if (_target is { State.IsUnknown: false })
            _inner?.OnNamespaceChanged();
    }

    /// <summary>Connections that were allowed to drain in a vanished namespace may have to end now.</summary>
    private void ApplyNamespaces()
    {
        ApplyTargetNamespace();
        _outer?.OnNamespaceChanged();
    }

    public StateReason? SourceTrouble(ulong cookie) => _returnPath?.TroubleIn(cookie);

    public void OnStateChanged() => _reporter.OnStateChanged();

    /// <summary>The state now, and its reason. Any thread may call.</summary>
    internal (BridgeState State, StateReason Reason) Judge()
    {
        if (!_settings.Enabled)
            return (BridgeState.Disabled, StateReason.None);
        if (_stopping)
            return (BridgeState.Waiting, BridgeReporter.Stopping);
        if (_fault is { } fault)
            return (BridgeState.Failed, fault);
        StateReason? unbound = _outer?.BindTrouble;
        bool isBound = _outer is { IsBound: true };
        bool isUnboundForFault = !isBound && unbound is not null and not { Code: ReasonCode.InterfaceMissing };
        foreach (NamespaceTracker? tracker in (ReadOnlySpan<NamespaceTracker?>)[_target, _listener])
        {
            if (tracker is { State: { CanEnter: false } state })
            {
                StateReason missing = StateReason.Of(state);
                StateReason both = unbound is null ? missing : StateReason.Together(isBound ? [missing, unbound] : [unbound, missing])!;
                return (state.IsFault || isUnboundForFault ? BridgeState.Failed : BridgeState.Waiting, both);
            }
        }
        if (_returnPath?.TroubleIn(_target!.State.Cookie) is { } trouble)
            return (trouble.Code == ReasonCode.Starting ? BridgeState.Waiting : BridgeState.Failed, trouble);
        if (unbound is not null && !isBound)
            return (isUnboundForFault ? BridgeState.Failed : BridgeState.Waiting, unbound);
        if ((_settings.Namespace is not null && _inner is null) || (_settings.Listen.Count > 0 && !isBound))
            return (BridgeState.Waiting, BridgeReporter.Starting);
        if (_outer?.JoinTrouble is { } unjoined)
            return (_target is null ? BridgeState.Waiting : BridgeState.Failed, unjoined);
        return (BridgeState.Up, unbound is null ? StateReason.None : unbound with { Code = ReasonCode.ListenerPartial });
    }

    /// <summary>The bridge at this moment. Any thread may call.</summary>
    public BridgeReport Report() => _reporter.Report();

    /// <summary>Stops listening and leaves the sockets to the <see cref="HotRestart.InheritedListeners"/>; connections go on.</summary>
    public async Task UnbindAsync()
    {
        await _turn.WaitAsync();
        try
        {
            _stopping = true;
            if (_outer is not null)
                await _outer.UnbindAsync();
            if (_inner is not null)
                await _inner.UnbindAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_stopping)
            await UnbindAsync();
        await (_returnPath?.EndAsync() ?? Task.CompletedTask);
        if (_outer is IOuterCarrier outer)
            await outer.AbortAsync();
        if (_inner is not null)
            await _inner.AbortAsync();
        Untrack(_target, OnTargetNamespaceChanged);
        Untrack(_listener, OnListenNamespaceChanged);
        if (_settings.Enabled && !_hasSuccessor)
            _log.Stopped();
    }

    public void Dispose()
    {
        _log.Dispose();
        _turn.Dispose();
    }
}
