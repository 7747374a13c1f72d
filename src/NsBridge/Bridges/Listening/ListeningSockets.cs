using System.Net;
using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Bridges.Admission;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Systemd;

namespace NsBridge.Bridges.Listening;

/// <summary>Opens the sockets for the clients of every bridge: those that systemd passed, those that an earlier bridge or process left, or
/// new ones. Any thread may call.</summary>
/// <param name="activation">The sockets that systemd passed.</param>
/// <param name="inherited">The sockets that an earlier bridge or process left.</param>
/// <param name="descriptors">Knows whether a range of ports fits into this process.</param>
internal sealed class ListeningSockets(ActivationSockets activation, InheritedListeners inherited, DescriptorBudget descriptors)
    : IDisposable
{
    /// <summary>Cut by the kernel to net.core.somaxconn.</summary>
    public const int Backlog = 65535;

    private static readonly NamespaceTracker s_host = new(NamespaceReference.Host, new PathResolver(NetworkNamespace.Own));

    private int _bindings;

    public ActivationSockets Activation => activation;

    /// <summary>Takes the sockets of bridges that stop listening.</summary>
    public InheritedListeners Inherited => inherited;

    /// <summary>Changes whenever a bridge has bound listeners.</summary>
    public int Bindings => Volatile.Read(ref _bindings);

    /// <summary>A bridge has bound its listeners.</summary>
    public void OnBound() => Interlocked.Increment(ref _bindings);

    /// <summary>Where the sockets listen that systemd passed for a bridge; empty if the bridge binds its own.</summary>
    public IReadOnlyList<string> PassedAddresses(BridgeSettings settings) =>
        settings.TakesSockets ? activation.AddressesOf(settings.Name) : [];

    /// <summary>Opens the sockets of a bridge that are not open yet: each one that can be, or none if descriptors or the namespace are
    /// missing.</summary>
    /// <param name="settings">The bridge.</param>
    /// <param name="place">The namespace to bind in.</param>
    /// <param name="open">Those that are open already.</param>
    /// <param name="cookie">The namespace they were bound in; 0 if systemd made them, or none is open.</param>
    public ListenAttempt Open(BridgeSettings settings, NamespaceTracker place, IReadOnlySet<ListenSocket> open, ref ulong cookie)
    {
        if (settings.TakesSockets && activation.Names.Contains(settings.Name))
            return open.Count > 0 ? ListenAttempt.Nothing : Adopt(settings);
        return Open(ListenRequest.Of(settings), place, open, ref cookie);
    }

    /// <summary>Opens the TCP sockets of the host that a server of the daemon's own still lacks.</summary>
    public ListenAttempt OpenOnHost(ListenEndpoint endpoint, IReadOnlySet<ListenSocket> open)
    {
        ulong cookie = NetworkNamespace.OwnCookie;
        return Open(new ListenRequest([endpoint], BridgeProtocol.Tcp, TimeSpan.Zero, 0), s_host, open, ref cookie);
    }

    private ListenAttempt Adopt(BridgeSettings settings)
    {
        var sockets = new List<OpenListener>();
        try
        {
            foreach (SafeFileHandle passed in activation.For(settings.Name))
                sockets.Add(Adopt(settings, passed));
            OnBound();
            return new ListenAttempt(sockets, null);
        }
        catch (Exception fault) when (fault is BridgeSetupException or IOException)
        {
            CloseAll(sockets);
            return new ListenAttempt(
                [], (fault as BridgeSetupException)?.Reason ?? new StateReason(ReasonCode.ListenerUnavailable, ErrorText.Of(fault)));
        }
    }

    private static void CloseAll(List<OpenListener> sockets) => sockets.ForEach(opened => Libc.Close(opened.Descriptor));

    private static OpenListener Adopt(BridgeSettings settings, SafeFileHandle passed)
    {
        // A copy, which this process owns from here on.
        int socket = (int)passed.DangerousGetHandle();
        passed.SetHandleAsInvalid();
        Libc.LocalAddress(socket, out SockAddr address);
        bool isUdp = settings.Protocol == BridgeProtocol.Udp;
        bool fits = isUdp
            ? UdpSocket.IsListener(socket)
            : Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) >= 0 && listening != 0
                && Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_TYPE, out int type) >= 0 && type == Libc.SOCK_STREAM
                && address.Family is Libc.AF_INET or Libc.AF_INET6 or Libc.AF_UNIX;
        if (!fits)
        {
            Libc.Close(socket);
            throw new BridgeSetupException(
                ReasonCode.ListenerUnsuitable,
                $"systemd handed over a socket named '{settings.Name}' that "
                + (isUdp
                    ? "is no UDP one; it has to be ListenDatagram= with an address and port"
                    : "does not listen; it has to be ListenStream= with Accept=no"));
        }
        if (!isUdp)
            TcpOptions.ForListener(socket, address, settings.KeepAlive);
        int offset = address.Family == Libc.AF_UNIX ? 0 : settings.Listen
            .Where(entry => address.Port >= entry.Ports.First && address.Port <= entry.Ports.Last)
            .Select(entry => address.Port - entry.Ports.First).FirstOrDefault();
        return new OpenListener(socket, default(ListenSocket) with { Offset = offset });
    }

    private ListenAttempt Open(ListenRequest request, NamespaceTracker place, IReadOnlySet<ListenSocket> open, ref ulong cookie)
    {
        // Asked first: a range that is too long would otherwise take every descriptor away from the other bridges, at each attempt.
        if (descriptors.WhyNot(request.Descriptors, inherited.Count + open.Count) is { } lack)
            return new ListenAttempt([], new StateReason(ReasonCode.OutOfDescriptors, lack));
        ulong common = cookie;
        var wanted = new HashSet<ListenSocket>();
        var opened = new List<OpenListener>();
        var faults = new List<StateReason>();
        // What one port shows of an address is not asked again for each port of a long range.
        var absent = new HashSet<IPAddress>();
        bool isKnown = true;
        try
        {
            foreach (ListenEndpoint entry in request.Entries)
            {
                List<IPAddress>? addresses = entry.Interface is null ? null : AddressesOf(entry, place, faults, ref isKnown);
                foreach (ListenSocket one in entry.Sockets(addresses))
                {
                    wanted.Add(one);
                    if (open.Contains(one) || absent.Contains(one.Address))
                        continue;
                    int socket = OpenOne(place, one, entry, request, out ulong boundIn, out Errno error);
                    if (error != Errno.None)
                        faults.Add(Fault(entry, one, request.Protocol, error));
                    if (error is Errno.EADDRNOTAVAIL or Errno.ENODEV)
                        absent.Add(one.Address);
                    if (socket < 0)
                        continue;
                    opened.Add(new OpenListener(socket, one));
                    if (common != 0 && boundIn != common)
                    {
                        throw new BridgeSetupException(
                            ReasonCode.NamespaceUnknown, $"network namespace {place.Reference} changed while its listeners were made");
                    }
                    common = boundIn;
                }
            }
        }
        catch (BridgeSetupException fault)
        {
            CloseAll(opened);
            return new ListenAttempt([], fault.Reason);
        }
        cookie = common;
        List<ListenSocket> gone = isKnown ? [.. open.Except(wanted)] : [];
        if (opened.Count + gone.Count > 0)
            OnBound();
        // A missing interface may come by itself: any other fault counts more.
        return new ListenAttempt(opened, StateReason.Together([.. faults.OrderBy(fault => fault.Code == ReasonCode.InterfaceMissing)]))
        {
            Gone = gone,
        };
    }

    /// <summary>The addresses that the interface of an entry has now.</summary>
    private static List<IPAddress> AddressesOf(ListenEndpoint entry, NamespaceTracker place, List<StateReason> faults, ref bool isKnown)
    {
        Errno error = Errno.ENOENT;
        List<IPAddress> addresses = place.Resolve(out _) is { } network ? InterfaceAddresses.Of(network, entry.Interface!, out error) : [];
        string what = $"cannot listen on {entry}: ";
        if (error is not (Errno.None or Errno.ENODEV))
        {
            isKnown = false;
            ReasonCode code = StateReason.Shortage(error, ReasonCode.ListenerUnavailable);
            faults.Add(new StateReason(code, $"{what}the addresses of {entry.Interface} are not known: {error}"));
        }
        else if (addresses.Count == 0)
        {
            what += error == Errno.None ? $"{entry.Interface} has no address (yet)" : $"there is no interface {entry.Interface} (yet)";
            faults.Add(new StateReason(ReasonCode.InterfaceMissing, what));
        }
        return addresses;
    }

    /// <returns>The socket; -1 with an error, or without one if the machine has no IPv6 and another address of the entry serves.</returns>
    /// <exception cref="BridgeSetupException">No socket can be made.</exception>
    private int OpenOne(
        NamespaceTracker place, ListenSocket wanted, ListenEndpoint entry, ListenRequest request, out ulong cookie, out Errno error)
    {
        error = Errno.None;
        bool isUdp = request.Protocol == BridgeProtocol.Udp;
        int type = isUdp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM;
        bool isSix = wanted.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        bool hasOther = entry.Scope == ListenScope.Loopback && isSix;
        Span<int> one = stackalloc int[1];
        if (place.OpenSockets(isSix ? Libc.AF_INET6 : Libc.AF_INET, type, one, out cookie, out EnterFailure failure) == 0)
        {
            if (failure.Error == Errno.EAFNOSUPPORT && wanted.DualStack)
                return OpenOne(place, wanted.WithoutIPv6, entry, request, out cookie, out error);
            if (failure.Error == Errno.EAFNOSUPPORT && hasOther)
                return -1;
            if (failure.Error == Errno.EMFILE)
                throw new BridgeSetupException(ReasonCode.OutOfDescriptors, descriptors.Explain(request.Descriptors));
            throw new BridgeSetupException(StateReason.Unreachable(place, failure));
        }
        int socket = one[0];
        int result = Address(socket, wanted, out SockAddr address);
        if (result >= 0)
        {
            int before = inherited.TakeInternet(type, cookie, address, isSix ? !wanted.DualStack : null);
            if (before >= 0)
            {
                Libc.Close(socket);
                if (!isUdp)
                    TcpOptions.ForListener(before, address, request.KeepAlive);
                return before;
            }
            if (isUdp)
                UdpSocket.PrepareListener(socket);
            else
                TcpOptions.ForListener(socket, address, request.KeepAlive);
            result = Bind(socket, wanted, address, isUdp ? null : Backlog);
        }
        if (result >= 0)
            return socket;
        Libc.Close(socket);
        if (result == -(int)Errno.EADDRNOTAVAIL && hasOther)
            return -1;
        error = Libc.ErrorOf(result);
        return -1;
    }

    /// <summary>The address to bind, with the interface as the socket's namespace numbers it.</summary>
    /// <returns>0, or a negated error: ENODEV if there is no such interface.</returns>
    public static int Address(int socket, ListenSocket wanted, out SockAddr address)
    {
        address = SockAddr.From(wanted.Address, wanted.Port);
        if (wanted.Interface is not { } name || !wanted.Address.IsIPv6LinkLocal)
            return 0;
        int index = Libc.BindToInterface(socket, name);
        if (index >= 0)
            address = SockAddr.From(new IPAddress(wanted.Address.GetAddressBytes(), index), wanted.Port);
        return Math.Min(index, 0);
    }

    /// <summary>Binds a socket, and listens with <paramref name="backlog"/>, which is null for UDP.</summary>
    /// <returns>0, or a negated error.</returns>
    public static int Bind(int socket, ListenSocket wanted, in SockAddr address, int? backlog)
    {
        // A restarted daemon binds again while connections of its predecessor still close. UDP sockets would share the port.
        if (backlog is not null)
            Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        if (address.Family == Libc.AF_INET6)
            Libc.SetOption(socket, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, wanted.DualStack ? 0 : 1);
        int result = Libc.Bind(socket, address);
        return result < 0 || backlog is not { } length ? result : Libc.Listen(socket, length);
    }

    private static StateReason Fault(ListenEndpoint entry, ListenSocket wanted, BridgeProtocol protocol, Errno error)
    {
        string address = new IPEndPoint(wanted.Address, wanted.Port).ToString();
        // One entry may be several addresses: a port alone, or a range.
        string what = $"cannot listen on {entry}{(entry.ToString() == address ? "" : $" ({address})")}: ";
        char type = protocol == BridgeProtocol.Udp ? 'u' : 't';
        return new StateReason(
            error == Errno.EACCES ? ReasonCode.ListenerForbidden : StateReason.Shortage(error, ReasonCode.ListenerUnavailable),
            error switch
            {
                Errno.EADDRINUSE => what + $"EADDRINUSE - another program has the port; `ss -l{type}np` names it",
                Errno.EADDRNOTAVAIL => what + "EADDRNOTAVAIL - no interface has that address (yet)",
                Errno.EACCES => what + "EACCES - a port as low as this needs CAP_NET_BIND_SERVICE",
                Errno.ENODEV => what + $"there is no interface {wanted.Interface} (yet)",
                _ => what + error,
            });
    }

    public void Dispose() => inherited.CloseRest();
}

/// <summary>What is to be listened on.</summary>
/// <param name="Entries">Where.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="KeepAlive">As of the bridge.</param>
/// <param name="Descriptors">How many descriptors all of it takes.</param>
internal sealed record ListenRequest(
    IReadOnlyList<ListenEndpoint> Entries, BridgeProtocol Protocol, TimeSpan KeepAlive, int Descriptors)
{
    public static ListenRequest Of(BridgeSettings settings) =>
        new(settings.Listen, settings.Protocol, settings.KeepAlive, settings.ListenDescriptors);
}

/// <summary>An open listening socket, and what it was opened for; of a socket that systemd passed, only the offset counts.</summary>
internal readonly record struct OpenListener(int Descriptor, ListenSocket Wanted);

/// <summary>The sockets that were opened, which are the caller's from here on, and why others could not be.</summary>
internal sealed record ListenAttempt(IReadOnlyList<OpenListener> Opened, StateReason? Trouble)
{
    /// <summary>Open ones to be closed: their addresses are no longer those of an interface of <c>Listen</c>.</summary>
    public IReadOnlyList<ListenSocket> Gone { get; init; } = [];

    /// <summary>Nothing was to be opened.</summary>
    public static readonly ListenAttempt Nothing = new([], null);
}
