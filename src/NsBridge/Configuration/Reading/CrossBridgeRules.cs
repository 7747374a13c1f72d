using System.Net.Sockets;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Finds the faults between bridges: names, listeners and socket files that two of them claim.</summary>
internal sealed class CrossBridgeRules(KeyNode directory, KeyNode metricsKey, DaemonSettings settings, List<ConfigurationFault> faults)
{
    private readonly MetricsEndpoint? _metrics = metricsKey.IsKnown ? settings.Metrics : null;

    public void Check(IReadOnlyList<WrittenBridge> bridges)
    {
        CheckNames(bridges);
        WrittenBridge[] enabled = bridges.Where(bridge => bridge.Settings.Enabled && bridge.AreKnown(BridgeKeys.Enabled)).ToArray();
        CheckListeners(enabled);
        CheckSockets(enabled);
    }

    private void CheckNames(IReadOnlyList<WrittenBridge> bridges)
    {
        var first = new Dictionary<string, KeyNode>(StringComparer.Ordinal);
        foreach (WrittenBridge bridge in bridges)
        {
            // Wrong names count too, unless it is open which one is meant.
            KeyNode name = bridge.Node.At(BridgeKeys.Name);
            if (bridge.Settings.Name.Length > 0 && !name.IsBroken && !first.TryAdd(bridge.Settings.Name, name))
                faults.Add(name.Fault($"the name is taken by {first[bridge.Settings.Name].PathFrom(name)}; each bridge needs its own"));
        }
    }

    private void CheckListeners(WrittenBridge[] bridges)
    {
        var claims = new ListenerClaims();
        if (_metrics?.Tcp is { } endpoint)
            claims.Take(metricsKey, endpoint, BridgeProtocol.Tcp, NamespaceReference.Host);
        foreach (WrittenBridge bridge in bridges.Where(
            bridge => bridge.AreKnown(BridgeKeys.Protocol, BridgeKeys.Listen, BridgeKeys.ListenNamespace)))
        {
            foreach (KeyNode node in bridge.Node.At(BridgeKeys.Listen).Entries)
            {
                if (node.Parsed is ListenEndpoint entry
                    && claims.Take(node, entry, bridge.Settings.Protocol, bridge.Settings.ListenNamespace) is { } other)
                {
                    string overlap = $"this overlaps with {other.Node.PathFrom(node)} = \"{other.Endpoint.Text}\"";
                    faults.Add(node.Fault($"{overlap}; each address and port can be listened on once"));
                }
            }
        }
    }

    /// <summary>Two inner halves cannot serve one file. An outer half alone may share it with the inner half that it joins.</summary>
    private void CheckSockets(WrittenBridge[] bridges)
    {
        var own = new Dictionary<string, string>(StringComparer.Ordinal);
        if (directory.IsKnown)
        {
            own.Add(settings.ControlSocket, "the daemon's control socket");
            own.Add(settings.ControlLock, "the daemon's lock");
        }
        var owners = new Dictionary<string, string>(own, StringComparer.Ordinal);
        if (_metrics?.UnixPath is { } path && !owners.TryAdd(Path.GetFullPath(path), metricsKey.Path))
            faults.Add(metricsKey.Fault($"this is {own[Path.GetFullPath(path)]}; choose another path"));
        foreach (WrittenBridge bridge in bridges.Where(bridge => bridge.IsSocketKnown))
        {
            string socket = bridge.Settings.Socket;
            KeyNode node = bridge.Node.At(BridgeKeys.Socket);
            if (!bridge.IsWritten(BridgeKeys.Namespace))
            {
                if (own.TryGetValue(socket, out string? what))
                    faults.Add(node.Fault($"this is {what}, and no inner half is behind it; write the path of an inner half's Socket"));
                continue;
            }
            string owner = $"bridge '{bridge.Settings.Name}'";
            // Two of one name meet at the same file by default; their fault is the name.
            if (!owners.TryAdd(socket, owner) && (node.IsWritten || owners[socket] != owner))
                faults.Add(node.Fault($"the socket {socket} belongs to {owners[socket]}; choose another path"));
        }
    }
}

/// <summary>An endpoint that is taken.</summary>
internal sealed record ClaimedListener(ListenEndpoint Endpoint, KeyNode Node);

/// <summary>The endpoints that are taken so far, by address: a new one is compared only with those that it can meet.</summary>
internal sealed class ListenerClaims
{
    private readonly Dictionary<(BridgeProtocol Protocol, string Place, AddressFamily Family), Family> _families = [];

    /// <summary>Takes the endpoint; gives the first one taken before that it overlaps with, or null. TCP and UDP ports do not meet, nor do
    /// sockets of two namespaces.</summary>
    public ClaimedListener? Take(KeyNode node, ListenEndpoint endpoint, BridgeProtocol protocol, NamespaceReference place)
    {
        ClaimedListener? met = null;
        var claim = new ClaimedListener(endpoint, node);
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
