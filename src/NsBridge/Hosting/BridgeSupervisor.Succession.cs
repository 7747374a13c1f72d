using NsBridge.Bridges;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

// What passes from the bridges of one process to those of the next.
internal sealed partial class BridgeSupervisor
{
    private int? _bindingsShelved;

    /// <summary>
    /// Takes up what the process before has left. To be called once, before anything is bound; <see cref="GiveBackAsync"/> is for a start that comes to nothing.
    /// </summary>
    /// <param name="parcels">What came from the manager's store; owned from here on.</param>
    public void Restore(IReadOnlyList<ActivationFd> parcels)
    {
        _succession.Restore(parcels, _engine.Kept);
        CloseUnwanted(_settings.Bridges);
    }

    /// <summary>Leaves what was taken up to the next process, if the start came to its end before the bridges began.</summary>
    public Task GiveBackAsync() => _hasBegun ? Task.CompletedTask : _succession.GiveBackAsync(_engine.Kept);

    /// <summary>Closes listening sockets that no bridge is about to go on with: they stand in the way of others.</summary>
    private int CloseUnwanted(IEnumerable<BridgeSettings> coming) => _engine.Kept.CloseAllBut(new WantedListeners(coming).Contains);

    /// <summary>Puts what is listened on now where a crash does not reach it. Where that fails, the next tick tries again.</summary>
    private async Task ShelveAsync()
    {
        int bindings = _engine.Bindings;
        bool isShelved = await _succession.ShelveAsync(_engine.Kept.All().Concat(await TogetherAsync(_bridges, bridge => bridge.ListenersAsync())));
        _bindingsShelved = isShelved ? bindings : null;
    }

    /// <summary>Brings every bridge to rest and leaves its sockets to the next process.</summary>
    private async Task LeaveAsync(Bridge[] all)
    {
        await Task.WhenAll(all.Select(bridge => bridge.UnbindAsync()));
        IEnumerable<ConnectionSnapshot> connections = await TogetherAsync(all, bridge => bridge.SuspendAsync());
        _succession.Leave(new RestartSnapshot(_engine.Kept.All(), [.. connections]));
        _engine.Kept.Forget();
    }
}
