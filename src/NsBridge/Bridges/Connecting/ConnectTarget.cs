using System.Net;
using System.Text;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>The target of a connector, with its limits; a reload replaces it as a whole.</summary>
internal sealed class ConnectTarget
{
    private readonly SockAddr[] _first;
    private readonly string _where;

    /// <param name="first">The addresses, for the first of a range of ports.</param>
    /// <param name="target">As <see cref="Target"/>.</param>
    /// <param name="where">Follows the target in messages, or stands for it if there is none.</param>
    private ConnectTarget(SockAddr[] first, TargetEndpoint? target, string where)
    {
        _first = first;
        Target = target;
        _where = where;
    }

    /// <summary>The target as configured; null for the bridge's own UNIX socket.</summary>
    public TargetEndpoint? Target { get; }

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan TargetWait { get; init; }

    public required TimeSpan KeepAlive { get; init; }

    public required ProxyProtocol ProxyProtocol { get; init; }

    /// <summary>Whether the target sees each client's own address; an inner half is told it.</summary>
    public required bool KeepsSource { get; init; }

    /// <summary>Whether the target is an inner half, which understands a reset.</summary>
    public bool IsJoin => Target is null;

    /// <summary>Whether that inner half is the bridge's own, in this process.</summary>
    public bool IsOwnJoin { get; private init; }

    /// <summary>How many addresses there are to try.</summary>
    public int AddressCount => _first.Length;

    /// <summary>The configured target of a bridge.</summary>
    public static ConnectTarget ToTarget(BridgeSettings settings)
    {
        TargetEndpoint target = settings.Target!;
        SockAddr[] addresses = target.Kind switch
        {
            TargetKind.UnixPath => [SockAddr.FromPath(target.UnixName!)],
            TargetKind.UnixAbstract => [SockAddr.FromAbstract(Encoding.UTF8.GetBytes(target.UnixName!))],
            _ => [.. target.Addresses.Select(address => SockAddr.From(address, target.Ports.First))],
        };
        return new ConnectTarget(addresses, target, settings.Namespace is { Kind: not NamespaceKind.Host } place ? $" in {place}" : "")
        {
            ConnectTimeout = settings.ConnectTimeout,
            TargetWait = settings.TargetWait,
            KeepAlive = settings.KeepAlive,
            ProxyProtocol = settings.ProxyProtocol,
            KeepsSource = settings.SourceAddress == SourceAddress.Client,
        };
    }

    /// <summary>The bridge's UNIX socket, served by the inner half.</summary>
    public static ConnectTarget ToJoin(BridgeSettings settings, in SockAddr address) => new([address], null, settings.Socket)
    {
        ConnectTimeout = settings.ConnectTimeout,
        // An inner half in this process does the waiting itself.
        TargetWait = settings.Namespace is null ? settings.TargetWait : TimeSpan.Zero,
        KeepAlive = settings.KeepAlive,
        KeepsSource = settings.SourceAddress == SourceAddress.Client,
        IsOwnJoin = settings.Namespace is not null,
        // The inner half of this process sees a UNIX socket: the header with the client's address has to be written here.
        ProxyProtocol = settings.Namespace is null ? ProxyProtocol.None : settings.ProxyProtocol,
    };

    /// <summary>The target for messages; of a range the one port.</summary>
    /// <param name="offset">The position in the range of ports.</param>
    public string Describe(int offset) => Target is { } target ? target.TextAt(offset % target.Ports.Count) + _where : _where;

    /// <summary>Milliseconds for which a client may be parked.</summary>
    /// <param name="shortage">The resource that another connection lacks, which justifies the wait of a connect; None if the target is
    /// missing.</param>
    public long Patience(Errno shortage) =>
        (long)(shortage != Errno.None && ConnectTimeout > TargetWait ? ConnectTimeout : TargetWait).TotalMilliseconds;

    /// <summary>Whether attempts under way towards the other target are right for this one too, with the same time limits.</summary>
    public bool ConnectsAs(ConnectTarget other) =>
        Target == other.Target && ConnectTimeout == other.ConnectTimeout && TargetWait == other.TargetWait;

    /// <summary>The address to connect to.</summary>
    /// <param name="index">Which of them, in the order to try.</param>
    /// <param name="offset">The position in the range of ports.</param>
    public SockAddr Address(int index, int offset) => offset == 0 || Target is not { IsUnix: false }
        ? _first[index]
        : SockAddr.From(Target.Addresses[index], Target.PortAt(offset % Target.Ports.Count));

    /// <summary>As <see cref="Address(int, int)"/>, with the interface of a link-local target as the socket's namespace numbers
    /// it.</summary>
    /// <returns>0, or a negated error if there is no such interface.</returns>
    public int Address(int socket, int index, int offset, out SockAddr address)
    {
        address = Address(index, offset);
        if (Target?.Literal is not { Interface: { } name, Address.IsIPv6LinkLocal: true })
            return 0;
        int scope = Libc.BindToInterface(socket, name);
        if (scope >= 0)
            address = SockAddr.From(new IPAddress(Target.Literal.Address.GetAddressBytes(), scope), address.Port);
        return Math.Min(scope, 0);
    }

    /// <summary>Whether a client is connected from its own address. A local one has none.</summary>
    public bool BindsTo(PeerAddress peer) => KeepsSource && !IsJoin && !peer.IsUnix;

    /// <summary>Which address is tried first for a client: one of its family, if it is connected from its own.</summary>
    public int FirstFor(PeerAddress peer) => BindsTo(peer) && !peer.IsIPv4 ? AddressCount - 1 : 0;

    /// <summary>Whether there is another address to try after one.</summary>
    public bool HasNext(int index, PeerAddress peer) => index + 1 < AddressCount && !BindsTo(peer);

    /// <summary>The socket's family for an address.</summary>
    public int Family(int index) => _first[index].Family;

    /// <summary>Whether a socket that has begun to connect got its target's own address and port. The port may be an ephemeral one: if
    /// nothing listens there, the connecting socket can be given that very port and connect to itself (TCP by a simultaneous open). The
    /// client would receive its own bytes, and the service could not bind.</summary>
    public static bool IsSelfConnection(int socket, in SockAddr target) =>
        Libc.LocalAddress(socket, out SockAddr own) >= 0 && IsSelf(own, target);

    /// <summary>Whether a socket's own address is its target's.</summary>
    public static bool IsSelf(in SockAddr own, in SockAddr target) => own.Port == target.Port && own.IsSameHost(target);
}
