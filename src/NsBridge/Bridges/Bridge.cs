using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Tcp;
using NsBridge.Bridges.Udp;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges;

/// <summary>
/// One configured bridge, a hosted service of its own: an outer and an inner half, whichever are configured, joined by its UNIX
/// socket. Starting never fails for what may mend itself: the bridge then waits, or has failed with a reason, and tries again.
/// </summary>
internal sealed partial class Bridge : IHostedService, IDisposable
{
    /// <summary>A look takes microseconds; a machine that needs longer than this for it is not well.</summary>
    private static readonly TimeSpan s_firstLookPatience = TimeSpan.FromSeconds(10);

    private readonly LoopGroup _engine;
    private readonly EventLoop _home;
    private readonly BridgeLog _log;
    private readonly AdmissionControl _admission;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _stateLock = new();
    private readonly ValueList<ListenEndpoint>? _listenBefore;
    private volatile BridgeSettings _settings;
    private NamespaceTracker? _place;
    private NamespaceTracker? _listenPlace;
    private IInnerHalf? _inner;
    private IOuterHalf? _outer;
    private volatile StateReason? _fault;
    private volatile bool _stopping;

    /// <param name="settings">What the operator wants.</param>
    /// <param name="engine">What all bridges share.</param>
    /// <param name="before">The bridge of the same name that this one takes over from: its counters go on.</param>
    public Bridge(BridgeSettings settings, LoopGroup engine, Bridge? before = null)
    {
        _settings = settings;
        _engine = engine;
        _home = engine.ChooseHome();
        _log = new BridgeLog(engine.Logging.CreateLogger<Bridge>(), settings.Name);
        Tally = before?.Tally ?? new BridgeCounters(engine.Loops.Count);
        _listenBefore = before?.Settings.Listen;
        _admission = before?._admission ?? new AdmissionControl(Tally, settings);
        _admission.Change(settings);
    }

    public BridgeSettings Settings => _settings;

    public BridgeCounters Tally { get; }

    private bool IsUdp => _settings.Protocol == BridgeProtocol.Udp;

    /// <summary>Whether its listeners cannot be had without a privilege that is missing.</summary>
    public bool LacksPrivilegeToListen => _outer is { LacksPrivilege: true };

    /// <summary>Whether bytes cross the join within this process.</summary>
    public bool RelaysWithin => _settings is { Join: JoinMode.Relay, Namespace: not null, Listen.Count: > 0 };

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!_settings.Enabled)
            return;
        TellListenReplaced();
        if (_settings.Namespace is { } reference)
        {
            _place = _engine.Namespaces.Acquire(reference);
            await AwaitFirstLookAsync(_place, cancellationToken);
            _place.Changed += OnTrackerChanged;
        }
        if (_settings.Listen.Count > 0)
        {
            _listenPlace = _engine.Namespaces.Acquire(_settings.ListenNamespace);
            await AwaitFirstLookAsync(_listenPlace, cancellationToken);
            _listenPlace.Changed += OnListenPlaceChanged;
            _outer = IsUdp ? new UdpOuterHalf(this, _engine, _home, _listenPlace) : new OuterHalf(this, _engine, _home, _listenPlace);
        }
        await RecoverAsync();
    }

    private static async Task AwaitFirstLookAsync(NamespaceTracker place, CancellationToken cancellationToken)
    {
        try
        {
            await place.FirstLook.WaitAsync(s_firstLookPatience, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Out of descriptors, say: no reason to end the others. It waits, as for a namespace that is not there yet.
        }
    }

    /// <summary>Makes what is missing: sockets that could not be had before. Cheap where nothing is.</summary>
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
                await KeepSocketAsync(_inner.Socket);
            else if (_place is not null)
                await StartInnerAsync();
            if (_outer is not null && (_place is null || _inner is not null))
                await _outer.BindAsync();
        }
        finally
        {
            _turn.Release();
        }
        OnStateChanged();
    }

    private async Task StartInnerAsync()
    {
        IInnerHalf? inner = null;
        try
        {
            inner = IsUdp ? new UdpInnerHalf(this, _engine, _home, _place!) : new InnerHalf(this, _engine, _home, _place!);
            await inner.StartAsync();
            _inner = inner;
            // Its door has been open for a moment; a change meanwhile was told to nobody.
            ApplyNamespaceState();
            _fault = null;
        }
        catch (BridgeSetupException fault)
        {
            _fault = fault.Reason;
            if (inner is null)
                return;
            // The next try makes another, which goes on with the UNIX socket.
            await inner.UnbindAsync();
            await inner.AbortAsync();
        }
    }

    /// <summary>Whether <paramref name="settings"/> can be taken over without touching a listener or a connection.</summary>
    public bool CanApply(BridgeSettings settings) => settings.CanReplace(_settings);

    /// <summary>Takes over settings for which <see cref="CanApply"/> holds.</summary>
    public void Apply(BridgeSettings settings)
    {
        BridgeSettings before = _settings;
        bool isMoved = settings.Target != before.Target;
        _settings = settings;
        _admission.Change(settings);
        _inner?.Change();
        _outer?.Change();
        if (settings.WhenNamespaceGoes != before.WhenNamespaceGoes)
            ApplyNamespaceStates();
        _log.Changed(!IsUdp ? "its limits or its target; connections go on"
            : isMoved ? "its target; flows to the old one end"
            : "its limits; flows within them go on");
    }

    /// <summary>Ends listening and leaves the sockets to <see cref="LoopGroup.Kept"/>; connections go on.</summary>
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
        if (_outer is not null)
            await _outer.AbortAsync();
        if (_inner is not null)
            await _inner.AbortAsync();
        if (_place is not null)
        {
            _place.Changed -= OnTrackerChanged;
            _engine.Namespaces.Release(_place);
        }
        if (_listenPlace is not null)
        {
            _listenPlace.Changed -= OnListenPlaceChanged;
            _engine.Namespaces.Release(_listenPlace);
        }
        if (_settings.Enabled && !_isFollowed)
            _log.Stopped();
    }

    public void Dispose()
    {
        _log.Dispose();
        _turn.Dispose();
    }
}
