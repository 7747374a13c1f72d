using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>What a connector needs to know of its target; replaced whole when a reload changes it.</summary>
internal sealed class ConnectTarget
{
    private readonly SockAddr[] _first;
    private readonly string _where;

    /// <param name="first">The addresses, for the first of a range of ports.</param>
    /// <param name="target">As <see cref="Target"/>.</param>
    /// <param name="where">For messages, behind the target; where there is none, in its place.</param>
    private ConnectTarget(SockAddr[] first, TargetEndpoint? target, string where)
    {
        _first = first;
        Target = target;
        _where = where;
    }

    /// <summary>The target as the operator wrote it; null for the bridge's own UNIX socket.</summary>
    public TargetEndpoint? Target { get; }

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan TargetWait { get; init; }

    public required TimeSpan KeepAlive { get; init; }

    public required ProxyProtocol ProxyProtocol { get; init; }

    /// <summary>Whether the target is an inner half: it is told that an outer half connects, and understands a reset.</summary>
    public bool IsJoin => Target is null;

    /// <summary>What the inner half is told of who connects.</summary>
    public JoinKind JoinKind { get; private init; }

    /// <summary>How many addresses there are to try.</summary>
    public int AddressCount => _first.Length;

    /// <summary>Towards the target of the bridge.</summary>
    public static ConnectTarget ToTarget(BridgeSettings settings)
    {
        TargetEndpoint target = settings.Target!;
        SockAddr[] addresses = target.Kind switch
        {
            TargetKind.UnixPath => [SockAddr.FromPath(target.UnixName!)],
            TargetKind.UnixAbstract => [SockAddr.FromAbstract(System.Text.Encoding.UTF8.GetBytes(target.UnixName!))],
            _ => [.. target.Addresses.Select(address => SockAddr.From(address, target.Ports.First))],
        };
        return new ConnectTarget(addresses, target, settings.Namespace is { Kind: not NamespaceKind.Host } place ? $" in {place}" : "")
        {
            ConnectTimeout = settings.ConnectTimeout,
            TargetWait = settings.TargetWait,
            KeepAlive = settings.KeepAlive,
            ProxyProtocol = settings.ProxyProtocol,
        };
    }

    /// <summary>Towards the bridge's UNIX socket, behind which the inner half is.</summary>
    public static ConnectTarget ToJoin(BridgeSettings settings, in SockAddr address) => new([address], null, settings.Socket)
    {
        ConnectTimeout = settings.ConnectTimeout,
        // With an inner half in this process the waiting is its part.
        TargetWait = settings.Namespace is null ? settings.TargetWait : TimeSpan.Zero,
        KeepAlive = settings.KeepAlive,
        JoinKind = settings.Namespace is null ? JoinKind.Relay : JoinKind.OwnRelay,
        // The inner half of this process sees a UNIX socket: who the client is has to be said here.
        ProxyProtocol = settings.Namespace is null ? ProxyProtocol.None : settings.ProxyProtocol,
    };

    /// <summary>What is dialled, for messages; of a range the one port.</summary>
    /// <param name="offset">The position in the range of ports.</param>
    public string Describe(int offset) => Target is { } target ? target.TextAt(offset % target.Ports.Count) + _where : _where;

    /// <summary>Milliseconds for which a client may be parked.</summary>
    /// <param name="shortage">What there is not enough of for another connection, which is worth the wait that one may take anyway; None where the target is not there.</param>
    public long Patience(Errno shortage) => (long)(shortage != Errno.None && ConnectTimeout > TargetWait ? ConnectTimeout : TargetWait).TotalMilliseconds;

    /// <summary>Whether who is being dialled by another plan of the same connector goes to the same target, and has the same time for it.</summary>
    public bool DialsAs(ConnectTarget other) => Target == other.Target && ConnectTimeout == other.ConnectTimeout && TargetWait == other.TargetWait;

    /// <summary>The address to dial.</summary>
    /// <param name="index">Which of them, in the order to try.</param>
    /// <param name="offset">The position in the range of ports.</param>
    public SockAddr Address(int index, int offset) => offset == 0 || Target is not { IsUnix: false }
        ? _first[index]
        : SockAddr.From(Target.Addresses[index], Target.PortAt(offset % Target.Ports.Count));

    /// <summary>As <see cref="Address(int, int)"/>, with the interface of a link-local target found in the namespace of the socket that is to dial it.</summary>
    /// <returns>0, or a negated error where there is no such interface.</returns>
    public int Address(int socket, int index, int offset, out SockAddr address)
    {
        address = Address(index, offset);
        if (Target?.Literal is not { Interface: { } name, Address.IsIPv6LinkLocal: true })
            return 0;
        int scope = Libc.BindToInterface(socket, name);
        if (scope >= 0)
            address = SockAddr.From(new System.Net.IPAddress(Target.Literal.Address.GetAddressBytes(), scope), address.Port);
        return Math.Min(scope, 0);
    }

    /// <summary>The socket's family for an address.</summary>
    public int Family(int index) => _first[index].Family;
}
