using NsBridge.Bridges.Connecting;
using NsBridge.HotRestart;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

// What the join gives to the next process, or to the next bridge: who waits for a link. What was handed over the inner half has.
internal sealed partial class HandoffJoin
{
    public IEnumerable<ConnectionSnapshot> Suspend()
    {
        _stopped = true;
        foreach (HandoffLink? link in _links)
            link?.Flush();
        IEnumerable<ConnectionSnapshot> carried = ReleasePending();
        _home.Detach(this);
        return carried;
    }

    public IEnumerable<ConnectionSnapshot> ReleasePending()
    {
        var waiting = new List<ConnectionSnapshot>();
        foreach (HandoffLink link in _links.OfType<HandoffLink>())
        {
            while (link.TryTakeBack(out WaitingClient client))
            {
                AcceptedClient accepted = client.Accepted;
                _handedOff.Remove(accepted.Number);
                waiting.Add(ConnectionSnapshot.Waiting(
                    _bridge.Settings.Name, ConnectionRole.Outer, accepted.Client, accepted.Kind, accepted.Peer, accepted.Offset, _home.Now - client.Since));
            }
        }
        return waiting;
    }

    public bool Resume(RelayState state) => false;
}
