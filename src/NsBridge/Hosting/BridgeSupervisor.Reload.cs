using Microsoft.Extensions.Logging;
using NsBridge.Bridges;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;

namespace NsBridge.Hosting;

// From the running configuration to the wanted one.
internal sealed partial class BridgeSupervisor
{
    /// <summary>Takes a new configuration over. What did not change is not touched.</summary>
    public async Task ApplyAsync(DaemonSettings wanted)
    {
        await _turn.WaitAsync();
        try
        {
            if (_stop.IsCancellationRequested)
                return;
            Dictionary<string, Bridge> running = _bridges.ToDictionary(bridge => bridge.Settings.Name);
            var next = new List<Bridge>();
            var fresh = new List<Bridge>();
            var waiting = new Dictionary<Bridge, IReadOnlyList<ConnectionSnapshot>>();
            foreach (BridgeSettings settings in wanted.Bridges)
            {
                IReadOnlyList<ConnectionSnapshot> left = [];
                if (running.Remove(settings.Name, out Bridge? bridge))
                {
                    if (settings == bridge.Settings)
                    {
                        next.Add(bridge);
                        continue;
                    }
                    if (bridge.CanApply(settings))
                    {
                        bridge.Apply(settings);
                        next.Add(bridge);
                        continue;
                    }
                    left = await LetGoAsync(bridge);
                    if (bridge.Settings.Enabled && !settings.Enabled)
                        bridge.OnSwitchedOff();
                }
                // One that an earlier reload took away may still have connections, which count.
                var made = new Bridge(settings, _engine, bridge ?? _leaving.FindLast(leaving => leaving.Settings.Name == settings.Name));
                next.Add(made);
                fresh.Add(made);
                waiting.Add(made, left);
            }
            // All that leave give their ports back before one that comes asks for them.
            foreach (Bridge bridge in running.Values)
            {
                foreach (ConnectionSnapshot client in await LetGoAsync(bridge))
                    bridge.Reject(client);
                bridge.OnRemoved();
            }
            Dictionary<string, BridgeSettings> byName = wanted.Bridges.ToDictionary(settings => settings.Name);
            foreach (Bridge leaving in _leaving)
                leaving.AdoptPolicy(byName.GetValueOrDefault(leaving.Settings.Name));
            _bridges = [.. next];
            if (CloseUnwanted(fresh.Select(bridge => bridge.Settings)) > 0)
                await ShelveAsync();
            foreach (ConnectionSnapshot misfit in await InnerFirstAsync(fresh, bridge => StartAsync(bridge, waiting[bridge], CancellationToken.None, areIn: true)))
                fresh.First(bridge => bridge.Settings.Name == misfit.Bridge).Reject(misfit);
            _engine.Kept.CloseRest();
            await ShelveAsync();
            _engine.Descriptors.Measure();
            _settings = wanted;
            _unused.Tell(wanted.Bridges);
            Reloaded(next.Count, fresh.Count, running.Count);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="Namespaces.NamespaceWatch.RenewProcesses"/>
    public void RenewProcesses() => _engine.Namespaces.RenewProcesses();

    /// <returns>Its clients who have no target yet, and who are not to be taken to where the operator does not want them any more.</returns>
    private async Task<IReadOnlyList<ConnectionSnapshot>> LetGoAsync(Bridge bridge)
    {
        await bridge.UnbindAsync();
        _leaving.Add(bridge);
        return await bridge.ReleasePendingAsync();
    }

    [LoggerMessage(EventId = 1103, Level = LogLevel.Information, Message = "Reloaded. Bridges: {Bridges}; new or made anew: {Fresh}; removed: {Gone}")]
    private partial void Reloaded(int bridges, int fresh, int gone);
}
