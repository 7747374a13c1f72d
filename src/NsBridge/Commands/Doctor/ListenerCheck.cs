using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Doctor;

/// <summary>Is every address of <c>Listen</c> this daemon's, or at least free for it, in the namespace that the listener lives in?</summary>
internal static class ListenerCheck
{
    private const string Name = "listener";
    private const string DaemonName = "nsbridge";

    public static CheckResult? Look(InspectedBridge patient)
    {
        BridgeSettings bridge = patient.Bridge;
        if (bridge.Listen.Count == 0)
            return null;
        // The manager has these sockets too, so that whose they are cannot be told by who holds them.
        if (patient.Status is { HandedOver: true } status)
            return status.State == "up" ? CheckResult.Ok(Name, $"the daemon listens on {string.Join(", ", status.Listen)}, which systemd handed over in place of \"Listen\"") : null;
        if (EntryCheck.Look(Name, patient, patient.Door, out _) is { } closed)
            return closed;
        NetworkNamespace door = patient.Door.Network!;
        NamespaceSockets found = door.IsOwn ? patient.Host : NamespaceSockets.Look(door);
        if (found.Fault is { } fault)
            return CheckResult.Note(Name, $"what listens in {patient.Door.Name} cannot be told: {fault}");
        BoundSocketKind kind = bridge.Protocol == BridgeProtocol.Udp ? BoundSocketKind.Udp : BoundSocketKind.Tcp;
        var here = found.Sockets.Where(socket => socket.Kind == kind).ToList();
        string text = string.Join(", ", bridge.Listen) + (door.IsOwn ? "" : $" in {patient.Door.Name}");
        var free = new List<ListenSocket>();
        bool isHidden = false;
        // Asked first: a UDP listener that is handed over to an inner half is held by that one too.
        HashSet<uint> own = patient.Daemon is { } known ? [.. SocketOwners.SocketsOf(known.Pid)] : [];
        if (ListenAddressCheck.LookAtLoopback(Name, bridge.Listen.SelectMany(entry => entry.Sockets()), patient.Door) is { } down)
            return down;
        foreach ((ListenSocket wanted, bool mayLack) in bridge.Listen.SelectMany(Wanted))
        {
            var rivals = here.Where(socket => Collides(wanted, socket)).ToList();
            if (rivals.Count == 0)
            {
                if (ListenAddressCheck.Look(Name, wanted, patient.Door) is not { } missing)
                    free.Add(wanted);
                else if (!mayLack)
                    return missing;
                continue;
            }

            Dictionary<uint, RunningProcess> owners = SocketOwners.Find(rivals.Select(socket => socket.Inode).ToHashSet());
            foreach (BoundSocket? rival in rivals)
            {
                if (own.Contains(rival.Inode))
                    continue;
                RunningProcess? owner = owners.GetValueOrDefault(rival.Inode);
                if (patient.DaemonFault is not null && owner is null or { Name: DaemonName })
                    isHidden = true;
                else if (owner is not null || patient.Daemon is null)
                    return Taken(patient, rival, owner);

                // Else: whose it is may not be seen by this user; the daemon's own word decides, at the end of the chain.
            }
        }

        if (patient.DaemonFault is not null)
            return CheckResult.Note(Name, isHidden ? $"{text} is taken; whether by the daemon cannot be told" : $"{text} is free");
        if (patient.Daemon is null)
            return CheckResult.Note(Name, $"{text} is free, and no daemon is running to listen on it");
        if (free.Count == 0)
            return CheckResult.Ok(Name, $"the daemon listens on {text}");
        string where = door.IsOwn ? "" : $" in {patient.Door.Name}";
        return CheckResult.Broken(
            Name,
            $"the running daemon does not listen on {string.Join(", ", free.Select(socket => new IPEndPoint(socket.Address, socket.Port)))}{where}"
                + (patient.Status is { Reason: { Length: > 0 } reason } ? $": {reason}" : ""),
            patient.Status is null ? "it runs with an older configuration: systemctl reload nsbridge" : "journalctl -u nsbridge tells since when and why");
    }

    /// <summary>The sockets of an entry, and whether the daemon does without one where the machine does: a bare port is the loopback addresses there are.</summary>
    private static IEnumerable<(ListenSocket Socket, bool MayLack)> Wanted(ListenEndpoint entry) => entry.Sockets()
        .Select(socket => (socket, MayLack: entry.Scope == ListenScope.Loopback && socket.Address.AddressFamily == AddressFamily.InterNetworkV6))
        .Where(wanted => !wanted.MayLack || Socket.OSSupportsIPv6);

    private static CheckResult Taken(InspectedBridge patient, BoundSocket rival, RunningProcess? owner)
    {
        string who = owner?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"a process of user {rival.User}");
        string where = patient.Door.Network!.IsOwn ? "" : $" in {patient.Door.Name}";
        return owner is { Name: DaemonName }
            ? CheckResult.Broken(
                Name,
                $"{rival}{where} is taken by {who}, another nsbridge than the one of this configuration",
                "stop it, or give by --config the file that it runs with")
            : CheckResult.Broken(Name, $"{rival}{where} is taken by {who}", $"stop it, or choose another \"Listen\" for bridge {patient.Bridge.Name}");
    }

    /// <summary>Whether both cannot be bound at the same time.</summary>
    private static bool Collides(ListenSocket wanted, BoundSocket socket)
    {
        if (socket.Address is not { } there || there.Port != wanted.Port)
            return false;
        // Byte by byte: the kernel tells the index of a link-local address's interface, and an entry has its name.
        if (there.Address.GetAddressBytes().AsSpan().SequenceEqual(wanted.Address.GetAddressBytes()))
            return true;
        bool sameFamily = there.AddressFamily == wanted.Address.AddressFamily;
        if (IsWildcard(wanted.Address) && (sameFamily || wanted.DualStack))
            return true;
        return IsWildcard(there.Address) && (sameFamily || (there.AddressFamily == AddressFamily.InterNetworkV6 && !socket.V6Only));
    }

    private static bool IsWildcard(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
