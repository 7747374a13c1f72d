using System.Net.Sockets;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>An endpoint that is taken.</summary>
/// <param name="Endpoint">What is listened on.</param>
/// <param name="Path">The key that takes it.</param>
internal sealed record ClaimedListener(ListenEndpoint Endpoint, string Path);

/// <summary>
/// The endpoints that are taken so far, by address: a new one is compared only with those that it can meet.
/// </summary>
internal sealed class ListenerClaims
{
    private readonly Dictionary<(BridgeProtocol Protocol, string Place, AddressFamily Family), Family> _families = [];

    /// <summary>Takes the endpoint, and gives the first one that was taken before and that it overlaps with; null if there is none.</summary>
    /// <param name="path">The key's path.</param>
    /// <param name="endpoint">What is to be listened on.</param>
    /// <param name="protocol">TCP and UDP ports do not meet.</param>
    /// <param name="place">The namespace of the sockets; two do not meet.</param>
    public ClaimedListener? Take(string path, ListenEndpoint endpoint, BridgeProtocol protocol, NamespaceReference place)
    {
        ClaimedListener? met = null;
        var claim = new ClaimedListener(endpoint, path);
        foreach (AddressLiteral written in endpoint.Addresses)
        {
            AddressLiteral address = InterfaceNumber.Resolve(written, place);
            (BridgeProtocol, string, AddressFamily) key = (protocol, place.PlaceKey, address.Address.AddressFamily);
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
                return _all.Find(Meets);
            }
            if (!_byAddress.TryGetValue(address, out List<ClaimedListener>? same))
                _byAddress.Add(address, same = []);
            same.Add(claim);
            return _wildcards.Find(Meets) ?? same.Find(Meets);

            bool Meets(ClaimedListener other) => !ReferenceEquals(other, claim) && other.Endpoint.Ports.Overlaps(claim.Endpoint.Ports);
        }
    }
}
