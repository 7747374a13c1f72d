using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>Reports the state of a bridge: to the log when it changes, and on request. Any thread may call.</summary>
internal sealed class BridgeReporter(Bridge bridge, ListeningSockets listening, BridgeLog log)
{
    public static readonly StateReason Starting = new(ReasonCode.Starting, "it is about to listen");

    public static readonly StateReason Stopping =
        new(ReasonCode.Stopping, "it is stopping: connections may end, and no new ones are taken");

    private readonly Lock _lock = new();
    private (BridgeState State, StateReason Reason) _logged = (BridgeState.Disabled, StateReason.None);

    private BridgeSettings Settings => bridge.Settings;

    private IReadOnlyList<string> PassedAddresses => listening.PassedAddresses(Settings);

    private IReadOnlyList<string> ListensOn =>
        PassedAddresses is { Count: > 0 } passed ? passed : [.. Settings.Listen.Select(entry => entry.Text)];

    /// <summary>Logs a new <c>Listen</c> that has no effect because systemd passes the sockets.</summary>
    public void OnListenChanged(ValueList<ListenEndpoint>? before)
    {
        if (before is not null && !before.Equals(Settings.Listen) && PassedAddresses is { Count: > 0 } passed)
            log.ListenReplaced(Settings.Listen.ToString(), string.Join(", ", passed));
    }

    /// <summary>Logs a new state, once.</summary>
    public void OnStateChanged()
    {
        lock (_lock)
        {
            (BridgeState State, StateReason Reason) now = bridge.Judge();
            // The reason for waiting may change often while a namespace is made; that the bridge waits for one is logged once.
            bool isNews = now.State == BridgeState.Waiting && now.Reason.Code != ReasonCode.InterfaceMissing
                ? now.State != _logged.State : now != _logged;
            if (!isNews || now.Reason == Starting || now.Reason == Stopping)
                return;
            _logged = now;
            switch (now.State)
            {
                case BridgeState.Up when now.Reason.Code == ReasonCode.ListenerPartial:
                    log.UpInPart(now.Reason.Text);
                    break;
                case BridgeState.Up:
                    log.Up(
                        Settings.Listen.Count > 0 ? string.Join(", ", ListensOn) : Settings.Socket,
                        Settings.Namespace?.Text ?? "UNIX socket",
                        Settings.Target?.Text ?? Settings.Socket);
                    break;
                case BridgeState.Waiting:
                    log.Waiting(now.Reason.Text);
                    break;
                case BridgeState.Failed:
                    log.Failed(now.Reason.Text);
                    break;
            }
        }
    }

    public BridgeReport Report()
    {
        (BridgeState state, StateReason reason) = bridge.Judge();
        BridgeCounters counters = bridge.Counters;
        return new BridgeReport
        {
            Name = Settings.Name,
            State = state,
            Reason = reason.Text,
            ReasonCode = reason.Code,
            NamespaceReference = Settings.Namespace?.Text,
            NamespaceCookie = bridge.TargetNamespace?.Cookie ?? 0,
            Listen = ListensOn,
            ListenNamespace = Settings.Listen.Count > 0 ? Settings.ListenNamespace.Text : null,
            IsHandedOver = PassedAddresses.Count > 0,
            Socket = Settings.Socket,
            Target = Settings.Target?.Text,
            TargetState = counters.TargetState,
            Protocol = Settings.Protocol,
            Active = counters.Active,
            Parked = counters.Parked,
            Ended = counters.Ended(),
            Total = counters.Total,
            Refused = counters.Refused,
            Failed = counters.Failed,
            LastFailure = counters.LastFailure,
            BytesToTarget = counters.BytesToTarget,
            BytesToClient = counters.BytesToClient,
            ConnectBuckets = counters.Buckets(),
            ConnectSecondsSum = counters.ConnectSeconds,
        };
    }
}
