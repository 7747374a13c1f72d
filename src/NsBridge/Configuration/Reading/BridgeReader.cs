using System.Globalization;
using System.Text;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>A bridge and the keys it was read from; the settings have the default of each missing or refused value.</summary>
internal sealed record WrittenBridge(KeyNode Node, KeyNode Directory, BridgeSettings Settings)
{
    /// <summary>Whether the bridge's UNIX socket is where the settings say.</summary>
    public bool IsSocketKnown =>
        IsWritten(BridgeKeys.Socket) ? AreKnown(BridgeKeys.Socket) : AreKnown(BridgeKeys.Name) && Directory.IsKnown;
    public bool IsWritten(Key key) => Node.At(key).IsWritten;

    /// <summary>Whether the settings hold what was written at each of the keys, or its default if it was left out.</summary>
    public bool AreKnown(params ReadOnlySpan<Key> keys)
    {
        foreach (Key key in keys)
        {
            if (!Node.At(key).IsKnown)
                return false;
        }
        return true;
    }
}

/// <summary>Makes the settings of one bridge, and finds the faults between its keys.</summary>
internal sealed class BridgeReader(WrittenBridge bridge, List<ConfigurationFault> faults)
{
    private readonly BridgeSettings _settings = bridge.Settings;
    private readonly bool _isOuter = bridge.IsWritten(BridgeKeys.Listen);
    private readonly bool _isInner = bridge.IsWritten(BridgeKeys.Namespace);

    public static WrittenBridge Read(KeyNode node, KeyNode directory, string runtimeDirectory, List<ConfigurationFault> faults)
    {
        KeyValues values = ValueReader.Read(node, faults);
        // A wrong name counts too: two bridges may both have it.
        string name = node.At(BridgeKeys.Name).Value ?? "";
        values = values.With(BridgeKeys.Name, name);
        if (node.At(BridgeKeys.Socket).Parsed is null)
            values = values.With(BridgeKeys.Socket, Path.GetFullPath(Path.Combine(runtimeDirectory, $"{name.Replace('\0', '?')}.sock")));
        if (node.At(BridgeKeys.Join).Parsed is null && !node.At(BridgeKeys.Namespace).IsWritten)
            values = values.With(BridgeKeys.Join, JoinMode.Relay);
        if (node.At(BridgeKeys.IdleTimeout).Parsed is null && values.Get(BridgeKeys.Protocol) == BridgeProtocol.Udp)
            values = values.With(BridgeKeys.IdleTimeout, BridgeKeys.DefaultFlowTimeout);
        var bridge = new WrittenBridge(node, directory, new BridgeSettings(values));
        new BridgeReader(bridge, faults).Check();
        return bridge;
    }

    private void Check()
    {
        CheckHalves();
        if (Speaks(BridgeProtocol.Udp))
            CheckUdp();
        CheckSourceAddress();
        CheckSocket();
        CheckRanges();
        CheckLoop();
    }

    private void CheckHalves()
    {
        bool hasTarget = bridge.IsWritten(BridgeKeys.Target);
        if (!_isOuter && !_isInner && !hasTarget && !bridge.Node.IsBroken)
            faults.Add(bridge.Node.Fault("a bridge needs Listen, or Namespace and Target, or all three"));
        if (_isInner && !hasTarget)
            Fault(BridgeKeys.Target, "a bridge with Namespace needs Target, such as 127.0.0.1:3000");
        if (hasTarget && !_isInner)
            Fault(BridgeKeys.Namespace, "a bridge with Target needs Namespace; for the host's own network write \"host\"");
        if (!_isOuter)
        {
            RefuseWithout(BridgeKeys.Listen, BridgeKeys.ListenNamespace);
            // The inner half of a UDP bridge sees every client by itself.
            bool isTcp = Speaks(BridgeProtocol.Tcp);
            if (isTcp)
                RefuseWithout(BridgeKeys.Listen, BridgeKeys.AllowFrom);
            if (isTcp && _settings.MaxConnectionsPerClient > 0)
                RefuseWithout(BridgeKeys.Listen, BridgeKeys.MaxConnectionsPerClient);
        }
        if (!_isInner && !hasTarget)
        {
            RefuseWithout(BridgeKeys.Namespace, BridgeKeys.SocketMode, BridgeKeys.SocketGroup);
            if (_settings.ProxyProtocol != ProxyProtocol.None)
                RefuseWithout(BridgeKeys.Namespace, BridgeKeys.ProxyProtocol);
            if (_settings.WhenNamespaceGoes != WhenNamespaceGoes.Close)
                RefuseWithout(BridgeKeys.Namespace, BridgeKeys.WhenNamespaceGoes);
            if (_settings.Probe > TimeSpan.Zero)
                RefuseWithout(BridgeKeys.Namespace, BridgeKeys.Probe);
        }
    }

    private void CheckUdp()
    {
        if (_settings.ProxyProtocol == ProxyProtocol.V1)
            Fault(BridgeKeys.ProxyProtocol, "version 1 of the PROXY protocol needs Protocol tcp; a udp bridge takes v2");
        if (_settings.Probe > TimeSpan.Zero)
            Fault(BridgeKeys.Probe, "a probe needs Protocol tcp: a UDP service need not answer");
        // The inner half alone sees the clients: at the outer one these keys would have no effect.
        if (!_isInner)
        {
            RefuseIfWritten(
                "of a udp bridge the inner half decides this; write it there",
                BridgeKeys.AllowFrom, BridgeKeys.MaxConnections, BridgeKeys.MaxConnectionsPerClient);
        }
        if (_settings.Target is { IsUnix: true })
            Fault(BridgeKeys.Target, "a udp bridge needs a target with an address and port; UNIX sockets need Protocol tcp");
    }

    private void CheckSourceAddress()
    {
        if (_settings is not { SourceAddress: SourceAddress.Client, Target: { } target } || target.IsLoopback)
            return;
        Fault(
            BridgeKeys.SourceAddress,
            $"the answers of {target} would not come back; client needs a target on a loopback address, such as 127.0.0.1:3000");
    }

    private void CheckSocket()
    {
        int length = Encoding.UTF8.GetByteCount(_settings.Socket);
        if (bridge.IsSocketKnown && length > TargetEndpoint.LongestUnixName)
        {
            Fault(
                BridgeKeys.Socket,
                $"{_settings.Socket} is {length} bytes and the path of a socket is at most {TargetEndpoint.LongestUnixName}; "
                    + "write a shorter Socket or RuntimeDirectory");
        }
    }

    private void CheckRanges()
    {
        if (_settings.Target is not { IsUnix: false } target)
            return;
        if (!_isOuter && target.Ports.Count > 1 && Speaks(BridgeProtocol.Tcp))
            Fault(BridgeKeys.Target, "a range of targets needs a Listen as long: a client of the UNIX socket has no port to choose by");
        if (!bridge.AreKnown(BridgeKeys.Listen))
            return;
        foreach (ListenEndpoint entry in _settings.Listen.Where(entry => entry.Ports.Count != target.Ports.Count))
        {
            string both = $"the target has {Ports(target.Ports)} and Listen \"{entry.Text}\" has {Ports(entry.Ports)}";
            Fault(BridgeKeys.Target, $"{both}; both must be as long");
        }
    }

    private void CheckLoop()
    {
        if (_settings.Target is not { } target || _settings.Namespace is not { } inside)
            return;
        if (target.Kind == TargetKind.UnixPath && bridge.IsSocketKnown && Path.GetFullPath(target.UnixName!) == _settings.Socket)
            Fault(BridgeKeys.Target, "the target is this bridge's own UNIX socket: its connections would run in a circle");
        if (target.IsUnix || !inside.SamePlace(_settings.ListenNamespace)
            || !bridge.AreKnown(BridgeKeys.Namespace, BridgeKeys.Listen, BridgeKeys.ListenNamespace))
            return;
        foreach (ListenEndpoint entry in _settings.Listen.Where(entry => entry.Reaches(target)))
        {
            Fault(
                BridgeKeys.Target,
                $"the target is this bridge's own Listen \"{entry.Text}\" in the same namespace: its connections would run in a circle");
        }
    }

    private void RefuseWithout(Key missing, params ReadOnlySpan<Key> keys) =>
        RefuseIfWritten($"this has no effect in a bridge without {missing.Name}; leave it out or add {missing.Name}", keys);

    private void RefuseIfWritten(string message, params ReadOnlySpan<Key> keys)
    {
        foreach (Key key in keys)
        {
            if (bridge.IsWritten(key))
                Fault(key, message);
        }
    }

    private bool Speaks(BridgeProtocol protocol) => _settings.Protocol == protocol && bridge.AreKnown(BridgeKeys.Protocol);

    private void Fault(Key key, string message)
    {
        KeyNode node = bridge.Node.At(key);
        if (!node.IsBroken)
            faults.Add(node.Fault(message));
    }

    private static string Ports(PortRange ports) =>
        ports.Count == 1 ? "1 port" : string.Create(CultureInfo.InvariantCulture, $"{ports.Count} ports");
}
