using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Finds the faults between bridges: names, listeners and socket files that two of them claim.</summary>
/// <param name="directory">The key of the runtime directory.</param>
/// <param name="metricsKey">The key of the metrics' listener.</param>
/// <param name="settings">What was read.</param>
/// <param name="faults">Takes what is found.</param>
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
                faults.Add(name.Fault($"the name is taken by {first[bridge.Settings.Name].Path}; each bridge needs its own"));
        }
    }

    private void CheckListeners(WrittenBridge[] bridges)
    {
        var claims = new ListenerClaims();
        if (_metrics?.Tcp is { } endpoint)
            claims.Take(metricsKey.Path, endpoint, BridgeProtocol.Tcp, NamespaceReference.Host);
        foreach (WrittenBridge bridge in bridges.Where(bridge => bridge.AreKnown(BridgeKeys.Protocol, BridgeKeys.Listen, BridgeKeys.ListenNamespace)))
        {
            foreach (KeyNode node in bridge.Node.At(BridgeKeys.Listen).Entries)
            {
                if (node.Parsed is ListenEndpoint entry
                    && claims.Take(node.Path, entry, bridge.Settings.Protocol, bridge.Settings.ListenNamespace) is { } other)
                    faults.Add(node.Fault($"this overlaps with {other.Path} = \"{other.Endpoint.Text}\"; each address and port can be listened on once"));
            }
        }
    }

    /// <summary>
    /// Two inner halves cannot serve one file. An outer half alone may share it with the inner half that it joins.
    /// </summary>
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
