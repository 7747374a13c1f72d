using NsBridge.Relaying;
using NsBridge.Restart;

namespace NsBridge.Bridges;

// What the join gives to the next process: who waits for a link. What was handed over the inner half has.
internal sealed partial class HandoffJoin
{
    public IEnumerable<CarriedConnection> Suspend()
    {
        _stopped = true;
        var carried = new List<CarriedConnection>();
        foreach (HandoffLink? link in _links)
        {
            if (link is null)
                continue;
            link.Flush();
            while (link.TryTakeBack(out WaitingClient client))
            {
                Arrival arrival = client.Arrival;
                carried.Add(CarriedConnection.Waiting(
                    _bridge.Settings.Name, CarriedRole.Outer, arrival.Client, arrival.Kind, arrival.Peer, arrival.Offset, _home.Now - client.Since));
            }
        }
        _home.Detach(this);
        return carried;
    }

    public bool Resume(RelayState state) => false;
}
