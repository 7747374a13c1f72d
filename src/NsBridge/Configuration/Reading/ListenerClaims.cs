using System.Net.Sockets;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// The endpoints that are taken so far. They are kept by address, so that a new one is compared with those alone that it can meet.
/// </summary>
internal sealed class ListenerClaims
{
    private readonly Dictionary<(BridgeProtocol Protocol, string Place, AddressFamily Family), Family> _families = [];

    /// <summary>Takes the endpoint, and gives the first one that was taken before and that it overlaps with; null where there is none.</summary>
    /// <param name="path">The key's path, for whom it meets.</param>
    /// <param name="endpoint">What is to be listened on.</param>
    /// <param name="protocol">TCP and UDP ports do not meet.</param>
    /// <param name="place">The namespace that the sockets live in; two do not meet.</param>
    public ClaimedListener? Take(string path, ListenEndpoint endpoint, BridgeProtocol protocol, NamespaceReference place)
    {
        ClaimedListener? met = null;
        var claim = new ClaimedListener(endpoint, path);
        foreach (AddressLiteral written in ListenAddresses.Of(endpoint))
        {
            AddressLiteral address = InterfaceNumber.Resolve(written, place);
            (BridgeProtocol protocol, string PlaceKey, AddressFamily AddressFamily) key = (protocol, place.PlaceKey, address.Address.AddressFamily);
            if (!_families.TryGetValue(key, out Family? family))
                _families.Add(key, family = new Family());
            met ??= family.Take(claim, address);
        }

        return met;
    }

    private sealed class Family
    {
        private readonly List<ClaimedListener> _all = [];
        private readonly List<ClaimedListener> _wildcards = [];
        private readonly Dictionary<AddressLiteral, List<ClaimedListener>> _byAddress = [];

        public ClaimedListener? Take(ClaimedListener claim, AddressLiteral address)
        {
            _all.Add(claim);
            if (address.IsWildcard)
            {
                _wildcards.Add(claim);
                return _all.Find(other => Meets(other, claim));
            }

            if (!_byAddress.TryGetValue(address, out List<ClaimedListener>? same))
                _byAddress.Add(address, same = []);
            same.Add(claim);
            return _wildcards.Find(other => Meets(other, claim)) ?? same.Find(other => Meets(other, claim));
        }

        private static bool Meets(ClaimedListener other, ClaimedListener claim) =>
            other != claim && other.Endpoint.Ports.Overlaps(claim.Endpoint.Ports);
    }
}
