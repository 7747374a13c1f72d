using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Is every address of <c>Listen</c> this daemon's, or at least free for it, in the listener's namespace?</summary>
internal static class ListenerCheck
{
    private const string Name = "listener";

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        BridgeSettings settings = bridge.Settings;
        if (settings.Listen.Count == 0)
            return null;
        // systemd holds these sockets too, so the holders do not show whether the daemon has them.
        if (bridge.Status is { HandedOver: true } status)
        {
            string passed = $"the daemon listens on {Wording.List(status.Listen)}, which systemd handed over in place of \"Listen\"";
            return bridge.IsUp ? CheckResult.Ok(Name, passed) : null;
        }
        if (NamespaceCheck.ProbeEntry(Name, bridge, bridge.ListenPlace, out _) is { } closed)
            return closed;
        NetworkNamespace network = bridge.ListenPlace.Network!;
        NamespaceSockets found = bridge.Sockets.In(network);
        if (found.Fault is { } fault)
            return CheckResult.Note(Name, $"the sockets of {bridge.ListenPlace.Name} are not known: {fault}");
        if (ProbeLoopback(bridge) is { } down)
            return down;
        var free = new List<IPEndPoint>();
        var missing = new Dictionary<IPAddress, CheckResult?>();
        bool isHidden = false;
        IEnumerable<CheckResult?> lacks = settings.Listen.Select(entry => ProbeInterface(entry, bridge.ListenPlace));
        if (lacks.FirstOrDefault(result => result is not null) is { } absent)
            return absent;
        foreach ((ListenSocket wanted, bool mayLack) in settings.Listen.SelectMany(entry => Wanted(entry, network)))
        {
            var rivals = found.At(bridge.Kind, wanted.Port).Where(socket => Collides(wanted, socket)).ToList();
            if (rivals.Count == 0)
            {
                if (!missing.TryGetValue(wanted.Address, out CheckResult? lack))
                    missing.Add(wanted.Address, lack = ProbeAddress(wanted, bridge.ListenPlace));
                if (lack is null)
                    free.Add(new IPEndPoint(wanted.Address, wanted.Port));
                else if (!mayLack)
                    return lack;
                continue;
            }
            foreach (BoundSocket rival in rivals)
            {
                // A UDP listener that is handed over to an inner half is held by that one too.
                if (bridge.Daemon.Document is { } daemon && bridge.Sockets.IsHeldBy(rival, daemon.Pid))
                    continue;
                RunningProcess? owner = bridge.Sockets.OwnerOf(rival);
                if (bridge.Daemon.Fault is not null && (owner is null || bridge.Sockets.IsOwn(rival)))
                    isHidden = true;
                else if (owner is not null || bridge.Daemon.Document is null)
                    return Taken(bridge, wanted, rival, owner);

                // Else this user may not see the owner: the daemon's own report decides, at the end.
            }
        }
        string where = network.IsOwn ? "" : $" in {bridge.ListenPlace.Name}";
        string text = Wording.List(settings.Listen.Select(entry => entry.Text)) + where;
        if (bridge.Daemon.Fault is not null)
            return CheckResult.Note(Name, isHidden ? $"{text} is taken; whether by the daemon is not known" : $"{text} is free");
        if (bridge.Daemon.Document is null)
            return CheckResult.Note(Name, $"{text} is free, and no daemon is running to listen on it");
        string why = bridge.Status is { Reason: { Length: > 0 } reason } ? $": {reason}" : "";
        return free.Count == 0 ? CheckResult.Ok(Name, $"the daemon listens on {text}") : CheckResult.Broken(
            Name,
            $"the running daemon does not listen on {Wording.Ranges(free)}{where}{why}",
            bridge.Status is null ? "systemctl reload nsbridge  # it has an older configuration" : $"{Cures.Log}  # since when and why");
    }

    /// <summary>The sockets of an entry, and whether one may be missing: a bare port means the loopback addresses there are.</summary>
    private static IEnumerable<(ListenSocket Socket, bool MayLack)> Wanted(ListenEndpoint entry, NetworkNamespace network) => entry
        .Sockets(entry.Interface is { } name ? InterfaceAddresses.Of(network, name, out _) : null)
        .Select(socket => (socket, MayLack: entry.Scope == ListenScope.Loopback && socket.Address.Equals(IPAddress.IPv6Loopback)))
        .Where(wanted => !wanted.MayLack || Socket.OSSupportsIPv6);

    /// <summary>Is the interface of an entry there, with an address?</summary>
    private static CheckResult? ProbeInterface(ListenEndpoint entry, ResolvedNamespace place)
    {
        if (entry.Interface is not { } name || InterfaceAddresses.Of(place.Network!, name, out Errno error).Count > 0)
            return null;
        return CheckResult.Broken(
            Name,
            error == Errno.ENODEV ? $"there is no interface {name} in {place.Name}" : $"interface {name} of {place.Name} has no address",
            $"{place.IpCommand} address  # lists the interfaces with their addresses");
    }

    /// <summary>Is the address there? A socket is bound to it, at a port of the kernel's choice.</summary>
    /// <returns>Null if nothing speaks against the address.</returns>
    private static CheckResult? ProbeAddress(ListenSocket wanted, ResolvedNamespace place)
    {
        if (IsWildcard(wanted.Address) || wanted.Interface is not null)
            return null;
        int family = wanted.Address.AddressFamily == AddressFamily.InterNetwork ? Libc.AF_INET : Libc.AF_INET6;
        int probe = place.Network!.OpenSocket(family, Libc.SOCK_DGRAM, out _, out _);
        // The machine has no IPv6, for example: the daemon leaves such an address out if it may.
        if (probe < 0)
            return null;
        Errno error = Libc.ErrorOf(Libc.Bind(probe, SockAddr.From(wanted.Address, 0)));
        Libc.Close(probe);
        return error == Errno.EADDRNOTAVAIL
            ? CheckResult.Broken(
                Name,
                $"{(place.Network.IsOwn ? "this machine" : place.Name)} has no address {wanted.Address}",
                $"{place.IpCommand} address  # lists those it has; \"*:{wanted.Port}\" means every one")
            : null;
    }

    /// <summary>Does <c>lo</c> carry what comes to a loopback address? A socket can be bound to one even if <c>lo</c> is down.</summary>
    private static CheckResult? ProbeLoopback(InspectedBridge bridge)
    {
        IEnumerable<IPAddress> addresses = bridge.Settings.Listen.SelectMany(entry => entry.Sockets()).Select(socket => socket.Address);
        ResolvedNamespace place = bridge.ListenPlace;
        if (addresses.FirstOrDefault(IPAddress.IsLoopback) is not { } address || LoopbackCheck.IsUp(place.Network!, out _) != 0)
            return null;
        return CheckResult.Broken(Name, $"lo is down in {place.Name}, so no client reaches {address}", $"{place.IpCommand} link set lo up");
    }

    private static CheckResult Taken(InspectedBridge bridge, ListenSocket wanted, BoundSocket rival, RunningProcess? owner)
    {
        string who = owner?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"a process of user {rival.User}");
        string what = $"{rival}{(bridge.ListenPlace.Network!.IsOwn ? "" : $" in {bridge.ListenPlace.Name}")} is taken by {who}";
        string stop = owner switch
        {
            { Unit: { } unit } => $"systemctl stop {unit}",
            { Pid: 1 } => "systemctl list-sockets",
            { Pid: var pid } => string.Create(CultureInfo.InvariantCulture, $"kill {pid}"),
            null => $"sudo ss -lnp 'sport = :{rival.Address!.Port}'",
        };
        return bridge.Sockets.IsOwn(rival)
            ? CheckResult.Broken(Name, $"{what}, another nsbridge than this configuration's", $"{stop}  # or give its file by --config")
            : CheckResult.Broken(Name, what, Cure(bridge, wanted, rival, stop));
    }

    private static string Cure(InspectedBridge bridge, ListenSocket wanted, BoundSocket rival, string stop)
    {
        // Only a wildcard meets what has another address: systemd-resolved on 127.0.0.53, for example, has to stay.
        if (!IsWildcard(wanted.Address) || IsWildcard(rival.Address!.Address))
            return $"{stop}  # or choose another \"Listen\" for bridge {bridge.Settings.Name}";
        string ports = string.Create(CultureInfo.InvariantCulture, $"{wanted.Port}");
        return $"{bridge.ListenPlace.IpCommand} -brief address  # write one of these in \"Listen\", as in ADDRESS:{ports}, instead of *";
    }

    /// <summary>Whether both cannot be bound at the same time.</summary>
    private static bool Collides(ListenSocket wanted, BoundSocket socket)
    {
        IPAddress there = socket.Address!.Address;
        // Byte by byte: the kernel reports the index of a link-local address's interface, and an entry has its name.
        if (there.GetAddressBytes().AsSpan().SequenceEqual(wanted.Address.GetAddressBytes()))
            return true;
        bool sameFamily = there.AddressFamily == wanted.Address.AddressFamily;
        return (IsWildcard(wanted.Address) && (sameFamily || wanted.DualStack))
            || (IsWildcard(there) && (sameFamily || (there.AddressFamily == AddressFamily.InterNetworkV6 && !socket.V6Only)));
    }

    private static bool IsWildcard(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
