using System.Globalization;
using System.Net;
using System.Text;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Makes the settings of one bridge, and finds the faults between its keys.</summary>
/// <param name="written">Whence paths and values for faults come.</param>
/// <param name="keys">The keys of the bridge.</param>
/// <param name="runtimeDirectory">Where sockets without a path of their own go.</param>
/// <param name="faults">Takes what is found.</param>
internal sealed class BridgeReader(BoundConfiguration written, BridgeKeys keys, string runtimeDirectory, List<ConfigurationFault> faults)
{
    private static readonly TimeSpan s_defaultConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_defaultKeepAlive = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_defaultFlowTimeout = TimeSpan.FromSeconds(90);

    private delegate bool Parser<T>(string text, out T value, out string fault);

    public BridgeSettings Read(BridgeOptions options)
    {
        BridgeProtocol protocol = ValueReader.Word(options.Protocol, BridgeProtocol.Tcp);
        TargetEndpoint? target = null;
        if (options.Target is { } targetText && TargetEndpoint.TryParse(targetText, out TargetEndpoint? endpoint, out _))
            target = endpoint;
        uint? group = options.SocketGroup is { } groupText && GroupText.TryParse(groupText, out uint id, out _) ? id : null;
        int mode = options.SocketMode is { } modeText && FileModeText.TryParse(modeText, out int bits, out _) ? bits : BridgeSettings.DefaultSocketMode;
        var settings = new BridgeSettings
        {
            Name = options.Name ?? "",
            Enabled = ValueReader.Flag(options.Enabled, true),
            Protocol = protocol,
            Listen = ReadList<ListenEndpoint>(nameof(BridgeOptions.Listen), options.Listen, ListenEndpoint.TryParse),
            ListenNamespace = ValueReader.Namespace(options.ListenNamespace) ?? NamespaceReference.Host,
            Socket = Path.GetFullPath(options.Socket is ['/', ..] path && !path.Contains('\0', StringComparison.Ordinal)
                ? path
                : Path.Combine(runtimeDirectory, $"{options.Name?.Replace('\0', '?')}.sock")),
            SocketMode = mode,
            SocketGroup = options.SocketGroup,
            SocketGroupId = group,
            Namespace = ValueReader.Namespace(options.Namespace),
            Target = target,
            Join = ValueReader.Word(options.Join, IsWritten(nameof(BridgeOptions.Namespace)) ? JoinMode.Handoff : JoinMode.Relay),
            ConnectTimeout = ValueReader.Duration(options.ConnectTimeout, s_defaultConnectTimeout),
            TargetWait = ValueReader.Duration(options.TargetWait, TimeSpan.Zero),
            IdleTimeout = ValueReader.Duration(options.IdleTimeout, protocol == BridgeProtocol.Udp ? s_defaultFlowTimeout : TimeSpan.Zero),
            KeepAlive = ValueReader.Duration(options.KeepAlive, s_defaultKeepAlive),
            MaxConnections = ValueReader.Number(options.MaxConnections),
            MaxConnectionsPerClient = ValueReader.Number(options.MaxConnectionsPerClient),
            AllowFrom = ReadList<IPNetwork>(nameof(BridgeOptions.AllowFrom), options.AllowFrom, NetworkText.TryParse),
            ProxyProtocol = ValueReader.Word(options.ProxyProtocol, ProxyProtocol.None),
            WhenNamespaceGoes = ValueReader.Word(options.WhenNamespaceGoes, WhenNamespaceGoes.Close),
        };
        CheckHalves(settings);
        CheckProtocol(settings);
        CheckSocket(settings);
        CheckRanges(settings);
        CheckLoop(settings);
        return settings;
    }

    private void CheckHalves(BridgeSettings settings)
    {
        bool outer = IsWritten(nameof(BridgeOptions.Listen));
        bool inner = IsWritten(nameof(BridgeOptions.Namespace));
        bool target = IsWritten(nameof(BridgeOptions.Target));
        if (!outer && !inner && !target && !written.IsBroken(keys.Path))
            faults.Add(new ConfigurationFault(written.PathOf(keys.Path), null, "a bridge needs Listen, or Namespace and Target, or all three"));
        if (inner && !target)
            Fault(nameof(BridgeOptions.Target), "a bridge with Namespace needs Target, such as 127.0.0.1:3000");
        if (target && !inner)
            Fault(nameof(BridgeOptions.Namespace), "a bridge with Target needs Namespace; for the host's own network write \"host\"");

        if (!outer)
        {
            RefuseWithout(nameof(BridgeOptions.Listen), nameof(BridgeOptions.ListenNamespace));
            // The inner half of a UDP bridge sees every client by itself.
            bool isTcp = Speaks(settings, BridgeProtocol.Tcp);
            if (isTcp)
                RefuseWithout(nameof(BridgeOptions.Listen), nameof(BridgeOptions.AllowFrom));
            if (isTcp && settings.MaxConnectionsPerClient > 0)
                RefuseWithout(nameof(BridgeOptions.Listen), nameof(BridgeOptions.MaxConnectionsPerClient));
        }

        if (!inner && !target)
        {
            RefuseWithout(nameof(BridgeOptions.Namespace), nameof(BridgeOptions.SocketMode), nameof(BridgeOptions.SocketGroup));
            if (settings.ProxyProtocol != ProxyProtocol.None)
                RefuseWithout(nameof(BridgeOptions.Namespace), nameof(BridgeOptions.ProxyProtocol));
            if (settings.WhenNamespaceGoes != WhenNamespaceGoes.Close)
                RefuseWithout(nameof(BridgeOptions.Namespace), nameof(BridgeOptions.WhenNamespaceGoes));
        }
    }

    private void CheckProtocol(BridgeSettings settings)
    {
        if (!Speaks(settings, BridgeProtocol.Udp))
            return;
        if (settings.ProxyProtocol != ProxyProtocol.None)
            Fault(nameof(BridgeOptions.ProxyProtocol), "the PROXY protocol needs Protocol tcp");
        if (!IsWritten(nameof(BridgeOptions.Namespace)))
            RefuseOfOuterHalf(
                nameof(BridgeOptions.AllowFrom), nameof(BridgeOptions.MaxConnections), nameof(BridgeOptions.MaxConnectionsPerClient));
        if (settings.Target is { IsUnix: true })
            Fault(nameof(BridgeOptions.Target), "a udp bridge needs a target with an address and port; UNIX sockets need Protocol tcp");
    }

    private void CheckSocket(BridgeSettings settings)
    {
        if (!keys.IsSocketKnown)
            return;
        bool isWritten = IsWritten(nameof(BridgeOptions.Socket));
        int length = Encoding.UTF8.GetByteCount(settings.Socket);
        if (length > TargetEndpoint.LongestUnixName)
        {
            Fault(nameof(BridgeOptions.Socket), isWritten
                ? $"the path of a socket is at most {TargetEndpoint.LongestUnixName} bytes; this is {length}"
                : $"{settings.Socket} is {length} bytes and the path of a socket is at most {TargetEndpoint.LongestUnixName}; write a shorter Socket or RuntimeDirectory");
        }

        if (isWritten && settings.Socket.EndsWith('/'))
            Fault(nameof(BridgeOptions.Socket), "this is a directory's path; the socket needs a file name");
    }

    private void CheckRanges(BridgeSettings settings)
    {
        if (settings.Target is not { IsUnix: false } target)
            return;
        if (!IsWritten(nameof(BridgeOptions.Listen)) && target.Ports.Count > 1 && Speaks(settings, BridgeProtocol.Tcp))
            Fault(nameof(BridgeOptions.Target), "a range of targets needs a Listen as long: over the UNIX socket alone nobody says which port is meant");
        if (!keys.AreKnown(nameof(BridgeOptions.Listen)))
            return;
        foreach (ListenEndpoint entry in settings.Listen)
        {
            if (entry.Ports.Count != target.Ports.Count)
            {
                Fault(nameof(BridgeOptions.Target), string.Create(
                    CultureInfo.InvariantCulture,
                    $"the target has {Ports(target.Ports)} and Listen \"{entry.Text}\" has {Ports(entry.Ports)}; both must be as long"));
            }
        }
    }

    private void CheckLoop(BridgeSettings settings)
    {
        if (settings.Target is not { } target || settings.Namespace is not { } inside)
            return;
        if (target.Kind == TargetKind.UnixPath && keys.IsSocketKnown && Path.GetFullPath(target.UnixName!) == settings.Socket)
            Fault(nameof(BridgeOptions.Target), "the target is this bridge's own UNIX socket: its connections would run in a circle");
        if (target.IsUnix || !inside.SamePlace(settings.ListenNamespace))
            return;
        if (!keys.AreKnown(nameof(BridgeOptions.Namespace), nameof(BridgeOptions.Listen), nameof(BridgeOptions.ListenNamespace)))
            return;
        foreach (ListenEndpoint entry in settings.Listen)
        {
            if (ListenAddresses.Reaches(entry, target))
                Fault(nameof(BridgeOptions.Target), $"the target is this bridge's own Listen \"{entry.Text}\" in the same namespace: its connections would run in a circle");
        }
    }

    private ValueList<T> ReadList<T>(string name, List<string> texts, Parser<T> parse)
    {
        var values = new List<T>(texts.Count);
        for (int i = 0; i < texts.Count; i++)
        {
            string entry = string.Create(CultureInfo.InvariantCulture, $"{keys.Path}:{name}:{i}");
            if (written.IsBroken(entry) && !written.HasValue(entry))
                continue;
            if (parse(texts[i], out T? value, out string? fault))
                values.Add(value);
            else
                faults.Add(written.Fault(entry, fault));
        }

        return [.. values];
    }

    /// <summary>Clients of a UDP bridge are seen by its inner half alone: what is said of them elsewhere would hold for nobody.</summary>
    private void RefuseOfOuterHalf(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (IsWritten(name))
                Fault(name, "of a udp bridge the inner half decides this; write it there");
        }
    }

    private void RefuseWithout(string missing, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (IsWritten(name))
                Fault(name, $"this has no effect in a bridge without {missing}; leave it out or add {missing}");
        }
    }

    private bool IsWritten(string name) => keys.IsWritten(name);

    private bool Speaks(BridgeSettings settings, BridgeProtocol protocol) => settings.Protocol == protocol && keys.AreKnown(nameof(BridgeOptions.Protocol));

    private void Fault(string name, string message)
    {
        if (!written.IsBroken($"{keys.Path}:{name}"))
            faults.Add(written.Fault($"{keys.Path}:{name}", message));
    }

    private static string Ports(PortRange ports) => ports.Count == 1 ? "1 port" : string.Create(CultureInfo.InvariantCulture, $"{ports.Count} ports");
}
