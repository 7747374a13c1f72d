using System.Net;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

/// <summary>The rows of the keys of a bridge.</summary>
internal static class BridgeKeys
{
    /// <summary>0600.</summary>
    public const int DefaultSocketMode = 0b110_000_000;
    /// <summary>The kernel takes whole seconds up to 32767 (MAX_TCP_KEEPIDLE).</summary>
    private const int LongestKeepAlive = 32_767_000;
    private const string OfInnerHalf = "give one; only an outer half alone leaves out both Namespace and Target";
    private static readonly string[] s_references =
        ["vpn", "/run/netns/vpn", "unit:vpn.service", "container:web", "machine:web", "pid:1234", "host"];

    public static readonly SingleKey<string> Name = new(nameof(Name), BridgeName.TryParse, "")
    {
        Help = "The unique name: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.",
        Missing = BridgeName.Missing,
        InsteadOfNull = BridgeName.Missing,
        DefaultNote = "required",
        Json = new JsonShape("string") { Pattern = BridgeName.Pattern, Examples = ["web"] },
    };

    public static readonly SingleKey<bool> Enabled = KeyKinds.Flag(nameof(Enabled), true, "Whether the bridge runs.");

    public static readonly SingleKey<BridgeProtocol> Protocol = KeyKinds.Words(
        nameof(Protocol), BridgeProtocol.Tcp, "`tcp` or `udp`; a bridge of each may share a port.");

    public static readonly ListKey<ListenEndpoint> Listen = new(nameof(Listen), ListenEndpoint.TryParse)
    {
        Help = "Where clients connect: `PORT` or `localhost:PORT` (loopback, both families), `ADDR:PORT`, `[V6]:PORT`, "
            + "`*:PORT` (every address), `INTERFACE:PORT`, `ADDR:FIRST-LAST` (a range); a string or a list.",
        DefaultNote = "none: the inner half alone",
        Json = new JsonShape("string", "integer")
        {
            Examples = ["3003", "0.0.0.0:3003", "[::1]:3003", "*:3003", "eth0:3003", "10.0.0.1:8000-8009"],
        },
    };

    public static readonly SingleKey<NamespaceReference> ListenNamespace = new(
        nameof(ListenNamespace), NamespaceReference.TryParse, NamespaceReference.Host)
    {
        Help = "The namespace of the listener, written like `Namespace`.",
        DefaultText = NamespaceReference.Host.Text,
        Json = new JsonShape("string") { Examples = s_references },
    };

    public static readonly SingleKey<string> Socket = new(nameof(Socket), AbsolutePath.TryParseSocket, "")
    {
        Help = "The path of the bridge's UNIX socket.",
        DefaultNote = "`RuntimeDirectory/Name.sock`",
        Json = new JsonShape("string") { Pattern = "^/.*[^/]$", Examples = ["/run/nsbridge/web.sock"] },
    };

    public static readonly SingleKey<int> SocketMode = new(nameof(SocketMode), FileModeText.TryParse, DefaultSocketMode)
    {
        Help = "The socket's file mode in octal, from the moment the file exists.",
        DefaultText = "0600",
        Json = new JsonShape("string") { Pattern = FileModeText.Pattern, Examples = ["0660"] },
    };

    public static readonly SingleKey<SocketGroup?> SocketGroup = new(nameof(SocketGroup), Values.SocketGroup.TryParse, null)
    {
        Help = "The socket's group, by name or number; the daemon must be a member.",
        DefaultNote = "none",
        Json = new JsonShape("string", "integer") { Examples = ["www-data"] },
    };

    public static readonly SingleKey<NamespaceReference?> Namespace = new(nameof(Namespace), NamespaceReference.TryParse, null)
    {
        Help = "The target's namespace: `NAME` (in `/run/netns`), an absolute path, `pid:N`, `unit:NAME.service`, `container:NAME`, "
            + "`machine:NAME`, `host` (only if written; never a fallback).",
        InsteadOfNull = OfInnerHalf,
        DefaultNote = "none: the outer half alone",
        Json = new JsonShape("string") { Examples = s_references },
    };

    public static readonly SingleKey<TargetEndpoint?> Target = new(nameof(Target), TargetEndpoint.TryParse, null)
    {
        Help = "Where connections go, inside the namespace: `ADDR:PORT`, `[V6]:PORT`, `localhost:PORT` (IPv4, then IPv6), "
            + "`ADDR:FIRST-LAST` (as long as `Listen`'s range), `unix:/path`, `unix:@abstract`; "
            + "never a DNS name, whose lookup would leak out of the namespace.",
        MayChange = true,
        InsteadOfNull = OfInnerHalf,
        DefaultNote = "required with `Namespace`",
        Json = new JsonShape("string") { Examples = ["127.0.0.1:3000", "localhost:3000", "[::1]:3000", "unix:/run/app.sock", "unix:@app"] },
    };

    public static readonly SingleKey<JoinMode> Join = KeyKinds.Words(
        nameof(Join), JoinMode.Handoff,
        "How the halves join over the UNIX socket: `handoff` passes the accepted connection, `relay` passes its bytes.",
        defaultNote: "`handoff`; `relay` for an outer half alone");

    public static readonly SingleKey<TimeSpan> ConnectTimeout = KeyKinds.Duration(
        nameof(ConnectTimeout), TimeSpan.FromSeconds(5), 1, KeyKinds.Day, "How long the target may take to answer.", mayChange: true);

    public static readonly SingleKey<TimeSpan> TargetWait = KeyKinds.Duration(
        nameof(TargetWait), TimeSpan.Zero, 0, KeyKinds.Day,
        "How long a client is parked while the namespace or the target is missing.", mayChange: true);

    /// <summary>The default if <see cref="Protocol"/> is UDP.</summary>
    public static readonly TimeSpan DefaultFlowTimeout = TimeSpan.FromSeconds(90);

    public static readonly SingleKey<TimeSpan> IdleTimeout = KeyKinds.Duration(
        nameof(IdleTimeout), TimeSpan.Zero, 0, 7 * KeyKinds.Day, "Ends a connection or a UDP flow without traffic; zero is never.",
        mayChange: true, defaultNote: "none; UDP `00:01:30`");

    public static readonly SingleKey<TimeSpan> KeepAlive = KeyKinds.Duration(
        nameof(KeepAlive), TimeSpan.FromMinutes(1), 0, LongestKeepAlive,
        "TCP keepalive on both legs, in whole seconds; zero is off.", wholeSeconds: true);

    public static readonly SingleKey<int> MaxConnections = KeyKinds.Number(
        nameof(MaxConnections), int.MaxValue, "Clients beyond this number are closed at once; 0 is no limit.", mayChange: true);

    public static readonly SingleKey<int> MaxConnectionsPerClient = KeyKinds.Number(
        nameof(MaxConnectionsPerClient), int.MaxValue, "The same for each client (IPv6: its /64); 0 is no limit.", mayChange: true);

    public static readonly ListKey<IPNetwork> AllowFrom = new(nameof(AllowFrom), NetworkText.TryParse)
    {
        Help = "Networks (CIDR) that may connect; other clients are closed before anything is dialled; a string or a list.",
        MayChange = true,
        DefaultNote = "everyone who can reach `Listen`",
        Json = new JsonShape("string") { Examples = ["192.168.0.0/16", "fd00::/8"] },
    };

    public static readonly SingleKey<ProxyProtocol> ProxyProtocol = KeyKinds.Words(
        nameof(ProxyProtocol), Values.ProxyProtocol.None,
        "Sends the client's address to the target: `none`, `v1` or `v2` (UDP: `v2`, before a flow's first datagram).",
        mayChange: true);

    public static readonly SingleKey<SourceAddress> SourceAddress = KeyKinds.Words(
        nameof(SourceAddress), Values.SourceAddress.Bridge,
        "Whose address the target sees: `bridge` (one inside) or `client` (the client's own).");

    public static readonly SingleKey<WhenNamespaceGoes> WhenNamespaceGoes = KeyKinds.Words(
        nameof(WhenNamespaceGoes), Values.WhenNamespaceGoes.Close,
        "What happens to live connections when their namespace is deleted: `close` resets them so that it is freed, `drain` lets them end.",
        mayChange: true);

    public static readonly SingleKey<TimeSpan> Probe = KeyKinds.Duration(
        nameof(Probe), TimeSpan.Zero, 0, KeyKinds.Day, "How often an idle TCP target is checked; zero is off.", mayChange: true);

    public static readonly SingleKey<bool> AccessLog = KeyKinds.Flag(
        nameof(AccessLog), false, "Logs each connection that ends.", mayChange: true);

    public static IReadOnlyList<Key> All { get; } =
    [
        Name, Enabled, Protocol, Listen, ListenNamespace, Socket, SocketMode, SocketGroup, Namespace, Target, Join, ConnectTimeout,
        TargetWait, IdleTimeout, KeepAlive, MaxConnections, MaxConnectionsPerClient, AllowFrom, ProxyProtocol, SourceAddress,
        WhenNamespaceGoes, Probe, AccessLog,
    ];
}
