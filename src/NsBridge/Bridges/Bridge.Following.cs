using NsBridge.Namespaces;

namespace NsBridge.Bridges;

// How it follows what is found where its namespaces are said to be.
internal sealed partial class Bridge
{
    public void OnNamespaceEnded(int connections) => _log.NamespaceEnded(connections, IsUdp);

    /// <summary>Ends the connections of TCP clients who are in the listeners' namespace, which has gone.</summary>
    public void AbortClientsIn(ulong cookie) => _inner?.AbortClientsIn(cookie);

    /// <summary>Something looked different from what the watch last saw.</summary>
    public void ProbeNamespaces() => _engine.Namespaces.ProbeNow();

    private void OnTrackerChanged(NamespaceTracker place)
    {
        ApplyNamespaceState();
        OnStateChanged();
    }

    private void ApplyNamespaceState()
    {
        // Until the first answer, what was taken up of the process before goes on.
        if (!_place!.State.IsUnknown)
            _inner?.OnNamespaceChanged();
    }

    /// <summary>What was let drain in a namespace that has gone may have to end now.</summary>
    private void ApplyNamespaceStates()
    {
        if (_place is not null)
            ApplyNamespaceState();
        _outer?.OnNamespaceChanged();
    }

    private void OnListenPlaceChanged(NamespaceTracker place)
    {
        _outer?.OnNamespaceChanged();
        OnStateChanged();
    }
}
