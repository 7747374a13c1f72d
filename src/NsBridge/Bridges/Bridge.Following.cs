using NsBridge.Namespaces;

namespace NsBridge.Bridges;

// How it follows what is found where its namespaces are said to be.
internal sealed partial class Bridge
{
    public void OnNamespaceEnded(int connections) => _log.NamespaceEnded(connections, IsUdp);

    /// <summary>Ends the connections of TCP clients who are in the listeners' namespace, which has gone.</summary>
    public void AbortClientsIn(ulong cookie) => _inner?.AbortClientsIn(cookie);

    /// <summary>Something looked different from what the watch last saw.</summary>
    public void LookAtNamespaces() => _engine.Namespaces.LookNow();

    private void OnPlaceChanged(NamespacePlace place)
    {
        FollowPlace();
        OnStateChanged();
    }

    private void FollowPlace()
    {
        // Until the first answer, what was taken up of the process before goes on.
        if (!_place!.State.IsUnknown)
            _inner?.FollowNamespace();
    }

    /// <summary>What was let drain in a namespace that has gone may have to end now.</summary>
    private void FollowPlaces()
    {
        if (_place is not null)
            FollowPlace();
        _outer?.FollowNamespace();
    }

    private void OnListenPlaceChanged(NamespacePlace place)
    {
        _outer?.FollowNamespace();
        OnStateChanged();
    }
}
