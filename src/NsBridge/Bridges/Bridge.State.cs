using NsBridge.Namespaces;

namespace NsBridge.Bridges;

// How it is: told to the journal when that changes, and to whoever asks.
internal sealed partial class Bridge
{
    private static readonly StateReason s_starting = new(ReasonCode.Starting, "it is about to listen");

    private (BridgeState State, StateReason Reason) _told = (BridgeState.Disabled, StateReason.None);

    /// <summary>Tells a new state, once.</summary>
    public void OnStateChanged()
    {
        lock (_stateLock)
        {
            (BridgeState State, StateReason Reason) now = Judge();
            // Why it waits may change many times while a namespace is made; that it waits is told once.
            bool isNews = now.State == BridgeState.Failed ? now != _told : now.State != _told.State;
            if (!isNews || _stopping || now.Reason == s_starting)
                return;
            _told = now;
            switch (now.State)
            {
                case BridgeState.Up:
                    _log.Up(_settings.Listen.Count > 0 ? string.Join(", ", ListensOn) : _settings.Socket, _settings.Namespace?.Text ?? "UNIX socket",
                        _settings.Target?.Text ?? _settings.Socket);
                    break;
                case BridgeState.Waiting:
                    _log.Waiting(now.Reason.Text);
                    break;
                case BridgeState.Failed:
                    _log.Failed(now.Reason.Text);
                    break;
            }
        }
    }

    private (BridgeState State, StateReason Reason) Judge()
    {
        if (!_settings.Enabled)
            return (BridgeState.Disabled, StateReason.None);
        if (_stopping)
            return (BridgeState.Waiting, new(ReasonCode.Stopping, "it is stopping: connections may end, and no new ones are taken"));
        if (_fault is { } fault)
            return (BridgeState.Failed, fault);
        foreach (NamespaceTracker? place in (ReadOnlySpan<NamespaceTracker?>)[_place, _listenPlace])
        {
            if (place is { State: { CanEnter: false } state })
                return (state.IsFault ? BridgeState.Failed : BridgeState.Waiting, StateReason.Of(state));
        }
        if (_outer?.BindTrouble is { } unbound)
            return (BridgeState.Failed, unbound);
        if ((_settings.Namespace is not null && _inner is null) || (_settings.Listen.Count > 0 && _outer is not { IsBound: true }))
            return (BridgeState.Waiting, s_starting);
        if (_outer?.JoinTrouble is { } trouble)
            return (_place is null ? BridgeState.Waiting : BridgeState.Failed, trouble);
        return (BridgeState.Up, StateReason.None);
    }

    /// <summary>The bridge at this moment. Any thread may ask.</summary>
    public BridgeReport Report()
    {
        (BridgeState state, StateReason reason) = Judge();
        return new BridgeReport
        {
            Name = _settings.Name,
            State = state,
            Reason = reason.Text,
            ReasonCode = reason.Code,
            NamespaceReference = _settings.Namespace?.Text,
            NamespaceCookie = _place?.State.Cookie ?? 0,
            Listen = ListensOn,
            IsHandedOver = HandedOver.Count > 0,
            Socket = _settings.Socket,
            Target = _settings.Target?.Text,
            Protocol = _settings.Protocol,
            Active = Tally.Active,
            Total = Tally.Total,
            Refused = Tally.Refused,
            Failed = Tally.Failed,
            BytesToTarget = Tally.BytesToTarget,
            BytesToClient = Tally.BytesToClient,
            ConnectBuckets = Tally.Buckets(),
            ConnectSecondsSum = Tally.ConnectSeconds,
        };
    }
}
