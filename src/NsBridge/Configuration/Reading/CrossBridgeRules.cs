using System.Globalization;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Finds the faults between bridges: names, listeners and socket files that two of them claim.</summary>
internal sealed class CrossBridgeRules(BoundConfiguration written, List<ConfigurationFault> faults)
{
    private const string MetricsKey = $"{NsBridgeOptions.SectionName}:{nameof(NsBridgeOptions.Metrics)}:{nameof(MetricsOptions.Listen)}";

    public void Check(DaemonSettings settings, IReadOnlyList<WrittenBridge> bridges)
    {
        CheckNames(bridges);
        WrittenBridge[] enabled = bridges.Where(bridge => bridge.Settings.Enabled && bridge.Keys.AreKnown(nameof(BridgeOptions.Enabled))).ToArray();
        MetricsEndpoint? metrics = written.IsKnown(MetricsKey) ? settings.Metrics : null;
        CheckListeners(metrics, enabled);
        CheckSockets(settings, metrics, enabled);
    }

    private void CheckNames(IReadOnlyList<WrittenBridge> bridges)
    {
        var first = new Dictionary<string, WrittenBridge>(StringComparer.Ordinal);
        foreach (WrittenBridge bridge in bridges)
        {
            // Two are alike whether or not the name is right, but not where it is open which one is meant.
            string key = NameKey(bridge);
            if (bridge.Settings.Name.Length > 0 && !written.IsBroken(key) && !first.TryAdd(bridge.Settings.Name, bridge))
            {
                string other = written.PathOf(NameKey(first[bridge.Settings.Name]));
                faults.Add(written.Fault(key, $"the name is taken by {other}; each bridge needs its own"));
            }
        }
    }

    private void CheckListeners(MetricsEndpoint? metrics, WrittenBridge[] bridges)
    {
        var claims = new ListenerClaims();
        if (metrics?.Tcp is { } endpoint)
            claims.Take(written.PathOf(MetricsKey), endpoint, BridgeProtocol.Tcp, NamespaceReference.Host);
        foreach (WrittenBridge? bridge in bridges.Where(bridge => bridge.Keys.AreKnown(nameof(BridgeOptions.Protocol), nameof(BridgeOptions.Listen), nameof(BridgeOptions.ListenNamespace))))
        {
            for (int i = 0; i < bridge.Settings.Listen.Count; i++)
            {
                string key = EntryKey(bridge, i);
                ListenEndpoint entry = bridge.Settings.Listen[i];
                if (claims.Take(written.PathOf(key), entry, bridge.Settings.Protocol, bridge.Settings.ListenNamespace) is { } other)
                    faults.Add(written.Fault(key, $"this overlaps with {other.Path} = \"{other.Endpoint.Text}\"; each address and port can be listened on once"));
            }
        }
    }

    /// <summary>
    /// Two inner halves cannot serve one file. An outer half alone may share it with the inner half that it joins.
    /// </summary>
    private void CheckSockets(DaemonSettings settings, MetricsEndpoint? metrics, WrittenBridge[] bridges)
    {
        var own = new Dictionary<string, string>(StringComparer.Ordinal);
        if (written.IsKnown(SettingsReader.DirectoryKey))
        {
            own.Add(settings.ControlSocket, "the daemon's control socket");
            own.Add(settings.ControlLock, "the daemon's lock");
        }

        var owners = new Dictionary<string, string>(own, StringComparer.Ordinal);
        if (metrics?.UnixPath is { } path && !owners.TryAdd(Path.GetFullPath(path), written.PathOf(MetricsKey)))
            faults.Add(written.Fault(MetricsKey, $"this is {own[Path.GetFullPath(path)]}; choose another path"));
        foreach (WrittenBridge? bridge in bridges.Where(bridge => bridge.Keys.IsSocketKnown))
        {
            string key = $"{bridge.Keys.Path}:{nameof(BridgeOptions.Socket)}";
            if (!bridge.Keys.IsWritten(nameof(BridgeOptions.Namespace)))
            {
                if (own.TryGetValue(bridge.Settings.Socket, out string? what))
                    faults.Add(written.Fault(key, $"this is {what}, and no inner half is behind it; write the path of that one's Socket"));
                continue;
            }

            string owner = $"bridge '{bridge.Settings.Name}'";

            // Two of one name meet at the same file by default; their fault is the name.
            if (!owners.TryAdd(bridge.Settings.Socket, owner) && (written.IsWritten(key) || owners[bridge.Settings.Socket] != owner))
                faults.Add(written.Fault(key, $"the socket {bridge.Settings.Socket} belongs to {owners[bridge.Settings.Socket]}; choose another path"));
        }
    }

    private static string NameKey(WrittenBridge bridge) => $"{bridge.Keys.Path}:{nameof(BridgeOptions.Name)}";

    // The entry itself, if it can be told apart: a range that was refused is missing from the settings, and the list alone is named then.
    private string EntryKey(WrittenBridge bridge, int index)
    {
        string list = $"{bridge.Keys.Path}:{nameof(BridgeOptions.Listen)}";
        string entry = string.Create(CultureInfo.InvariantCulture, $"{list}:{index}");
        return written.ValueAt(entry) == bridge.Settings.Listen[index].Text ? entry : list;
    }
}
