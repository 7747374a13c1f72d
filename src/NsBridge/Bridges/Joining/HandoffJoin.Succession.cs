using NsBridge.Bridges.Connecting;
using NsBridge.HotRestart;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

// What the join gives to the next process, or to the next bridge: who waits for a link. What was handed over the inner half has.
internal sealed partial class HandoffJoin
{
    public IEnumerable<CarriedConnection> Suspend()
    {
        _stopped = true;
        foreach (HandoffLink? link in _links)
            link?.Flush();
        IEnumerable<CarriedConnection> carried = TakeWaiting();
        _home.Detach(this);
        return carried;
    }

    public IEnumerable<CarriedConnection> TakeWaiting()
    {
        var waiting = new List<CarriedConnection>();
        foreach (HandoffLink link in _links.OfType<HandoffLink>())
        {
            while (link.TryTakeBack(out WaitingClient client))
            {
                Arrival arrival = client.Arrival;
                _away.Remove(arrival.Number);
                waiting.Add(CarriedConnection.Waiting(
                    _bridge.Settings.Name, CarriedRole.Outer, arrival.Client, arrival.Kind, arrival.Peer, arrival.Offset, _home.Now - client.Since));
            }
        }
        return waiting;
    }

    public bool Resume(RelayState state) => false;
}
