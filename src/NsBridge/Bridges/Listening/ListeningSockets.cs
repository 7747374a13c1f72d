using System.Net;
using Microsoft.Win32.SafeHandles;
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

    /// <summary>Opens all sockets of a bridge, or none.</summary>
    /// <param name="settings">The bridge.</param>
    /// <param name="place">The namespace to bind in.</param>
    /// <param name="cookie">The namespace they were bound in; 0 if systemd made them.</param>
    /// <returns>Each socket with its offset in the range of ports; the caller's from here on.</returns>
    /// <exception cref="BridgeSetupException">One cannot be opened.</exception>
    public List<(int Socket, int Offset)> Open(BridgeSettings settings, NamespaceTracker place, out ulong cookie)
    {
        cookie = 0;
        var sockets = new List<(int Socket, int Offset)>();
        try
        {
            foreach (SafeFileHandle passed in settings.TakesSockets ? activation.For(settings.Name) : [])
                sockets.Add(Adopt(settings, passed));
            if (sockets.Count == 0)
                OpenOwn(settings, place, sockets, out cookie);
            OnBound();
            return sockets;
        }
        catch (Exception fault)
        {
            foreach ((int socket, _) in sockets)
                Libc.Close(socket);
            if (fault is IOException)
                throw new BridgeSetupException(ReasonCode.ListenerUnavailable, fault.Message);
            throw;
        }
    }

    private static (int Socket, int Offset) Adopt(BridgeSettings settings, SafeFileHandle passed)
    {
        // A copy, which this process owns from here on.
        int socket = (int)passed.DangerousGetHandle();
        passed.SetHandleAsInvalid();
        Libc.LocalAddress(socket, out SockAddr address);
        bool isUdp = settings.Protocol == BridgeProtocol.Udp;
        bool fits = isUdp
            ? UdpSocket.IsListener(socket)
            : Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) >= 0 && listening != 0;
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
        return (socket, offset);
    }

    private void OpenOwn(BridgeSettings settings, NamespaceTracker place, List<(int Socket, int Offset)> sockets, out ulong cookie)
    {
        cookie = 0;
        // Asked first: a range that is too long would otherwise take every descriptor away from the other bridges, at each attempt.
        if (descriptors.WhyNot(settings.ListenDescriptors, inherited.Count) is { } lack)
            throw new BridgeSetupException(ReasonCode.OutOfDescriptors, lack);
        foreach (ListenEndpoint entry in settings.Listen)
        {
            foreach (ListenSocket wanted in entry.Sockets())
            {
                int socket = OpenOne(place, wanted, entry, settings, out ulong boundIn);
                if (socket < 0)
                    continue;
                sockets.Add((socket, wanted.Offset));
                if (cookie != 0 && boundIn != cookie)
                {
                    throw new BridgeSetupException(
                        ReasonCode.NamespaceUnknown, $"network namespace {place.Reference} changed while its listeners were made");
                }
                cookie = boundIn;
            }
        }
    }

    /// <returns>The socket; -1 if the machine has no IPv6 and another address of the entry serves.</returns>
    private int OpenOne(NamespaceTracker place, ListenSocket wanted, ListenEndpoint entry, BridgeSettings settings, out ulong cookie)
    {
        bool isUdp = settings.Protocol == BridgeProtocol.Udp;
        int type = isUdp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM;
        bool isSix = wanted.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        bool hasOther = entry.Scope == ListenScope.Loopback && isSix;
        Span<int> one = stackalloc int[1];
        if (place.OpenSockets(isSix ? Libc.AF_INET6 : Libc.AF_INET, type, one, out cookie, out EnterFailure failure) == 0)
        {
            if (failure.Error == Errno.EAFNOSUPPORT && wanted.DualStack)
                return OpenOne(place, wanted.WithoutIPv6, entry, settings, out cookie);
            if (failure.Error == Errno.EAFNOSUPPORT && hasOther)
                return -1;
            if (failure.Error == Errno.EMFILE)
                throw new BridgeSetupException(ReasonCode.OutOfDescriptors, descriptors.Explain(settings.ListenDescriptors));
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
                    TcpOptions.ForListener(before, address, settings.KeepAlive);
                return before;
            }
            if (isUdp)
                UdpSocket.PrepareListener(socket);
            else
                TcpOptions.ForListener(socket, address, settings.KeepAlive);
            result = Bind(socket, wanted, address, isUdp ? null : Backlog);
        }
        if (result >= 0)
            return socket;
        Libc.Close(socket);
        if (result == -(int)Errno.EADDRNOTAVAIL && hasOther)
            return -1;
        Errno error = Libc.ErrorOf(result);
        throw new BridgeSetupException(
            error == Errno.EACCES ? ReasonCode.ListenerForbidden : StateReason.Shortage(error, ReasonCode.ListenerUnavailable),
            Explain(entry, wanted, settings.Protocol, error));
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

    private static string Explain(ListenEndpoint entry, ListenSocket wanted, BridgeProtocol protocol, Errno error)
    {
        string address = new IPEndPoint(wanted.Address, wanted.Port).ToString();
        // One entry may be several addresses: a port alone, or a range.
        string what = $"cannot listen on {entry}{(entry.ToString() == address ? "" : $" ({address})")}: ";
        char type = protocol == BridgeProtocol.Udp ? 'u' : 't';
        return error switch
        {
            Errno.EADDRINUSE => what + $"EADDRINUSE - another program has the port; `ss -l{type}np` names it",
            Errno.EADDRNOTAVAIL => what + "EADDRNOTAVAIL - no interface has that address (yet)",
            Errno.EACCES => what + "EACCES - a port as low as this needs CAP_NET_BIND_SERVICE",
            Errno.ENODEV => what + $"there is no interface {wanted.Interface} (yet)",
            _ => what + error,
        };
    }

    public void Dispose() => inherited.CloseRest();
}
