using System.Net;
using NsBridge.Bridges.Connecting;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Does something listen on the target, if that lies in the namespace itself?</summary>
internal static class TargetCheck
{
    private const string Name = "target";

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        if (bridge.Network is not { } network || bridge.Settings.Target is not { } target)
            return null;
        if (target.Kind == TargetKind.UnixPath)
            return ProbeFile(bridge, target);
        NamespaceSockets found = bridge.Sockets.In(network);
        if (found.Fault is { } fault)
            return CheckResult.Note(Name, $"the sockets of {bridge.Place} are not known: {fault}");
        if (target.Kind == TargetKind.UnixAbstract)
            return ProbeName(bridge, target, found);

        // Of a target elsewhere, behind a route, only an answer shows anything.
        var route = ConnectTarget.ToTarget(bridge.Settings);
        var local = target.Addresses.Where((address, i) => IsLocal(network, address, route, i))
            .Select(RouteCheck.WithoutInterface).ToList();
        if (local.Count == 0)
            return null;
        BoundSocket? first = null;
        int count = 0;
        foreach (int port in Ports(target))
        {
            if (found.At(bridge.Kind, port).FirstOrDefault(socket => local.Exists(address => socket.Takes(address, port))) is not { } taker)
                continue;
            count++;
            if (first is null)
                (first, bridge.Offset) = (taker, port - target.Ports.First);
        }
        if (first is null)
            return Missing(bridge, target, found);
        // Behind a range, services come and go on some of the ports: passive FTP, TURN.
        string share = target.Ports.Count == 1 ? "" : $"{count} of the {target.Ports.Count} ports of {target} have a listener: ";
        return CheckResult.Ok(Name, $"{share}{Owner(bridge, first)} listens on {first}");
    }

    /// <summary>Nothing takes the target's port. nsbridge's own listeners are never the service that is missing.</summary>
    private static CheckResult Missing(InspectedBridge bridge, TargetEndpoint target, NamespaceSockets found)
    {
        string missing = $"nothing listens on {(target.Ports.Count > 1 ? "any port of " : "")}{target} in {bridge.Place}";
        var samePort = Ports(target).SelectMany(port => found.At(bridge.Kind, port)).Where(IsForeign).ToList();
        if (samePort.Count > 0)
        {
            return CheckResult.Broken(
                Name,
                $"{missing}: {Owner(bridge, samePort[0])} listens on {Wording.Ranges(samePort.Select(socket => socket.Address!))} only",
                $"write \"Target\": \"{samePort[0]}\", or let {OwnerName(bridge, samePort[0])} listen on {target.Addresses[0]}");
        }
        if (OnHost(bridge, target) is { } outside)
        {
            string finding = $"{missing}; {Owner(bridge, outside)} listens on {outside} of the host, outside of it";
            return CheckResult.Broken(Name, finding, StartInside(bridge, bridge.Sockets.OwnerOf(outside)?.Unit));
        }
        var others = found.All.Where(socket => socket.Kind == bridge.Kind && IsForeign(socket))
            .DistinctBy(socket => socket.Address!.Port).ToList();
        if (others.Count == 0)
            return CheckResult.Broken(Name, $"{missing}, nor on any other port there", StartInside(bridge, null));
        string list = Wording.List(others.Select(socket => $"{OwnerName(bridge, socket)} on {socket}"));
        return CheckResult.Broken(
            Name,
            $"{missing}; there {(others.Count == 1 ? "is" : "are")} {list}",
            $"{StartInside(bridge, null)}, or correct the port in \"Target\"");

        bool IsForeign(BoundSocket socket) => !bridge.IsOwn(socket);
    }

    /// <summary>A service on the host that was meant to be inside; null for none.</summary>
    private static BoundSocket? OnHost(InspectedBridge bridge, TargetEndpoint target)
    {
        if (bridge.Network!.IsOwn)
            return null;
        NamespaceSockets host = bridge.Sockets.In(NetworkNamespace.Own);
        return Ports(target).SelectMany(port => host.At(bridge.Kind, port))
            .FirstOrDefault(socket => target.Addresses.Any(address => socket.Takes(address, socket.Address!.Port)) && !IsOwn(socket));

        // If this user may not see the process, the bridge's own port decides.
        bool IsOwn(BoundSocket socket) => bridge.Sockets.OwnerOf(socket) is null
            ? bridge.Settings.Listen.Any(entry => entry.Ports.Contains(socket.Address!.Port))
            : bridge.IsOwn(socket);
    }

    private static string StartInside(InspectedBridge bridge, string? unit) => bridge.TargetPlace switch
    {
        { File: { } file } when unit is not null => Cures.DropInOf(unit, "namespace.conf", $"NetworkNamespacePath={file}"),
        { Reference: { Kind: NamespaceKind.Unit, Value: var name } } => $"systemctl restart {name}  # its service is to listen there",
        { Reference: { Kind: NamespaceKind.Container, Value: var name } } => $"start the service inside container {name}",
        { Reference: { Kind: NamespaceKind.Machine, Value: var name } } => $"machinectl shell {name}  # start the service there",
        { File: { } file } => $"nsenter --net={Cures.Quoted(file)} COMMAND  # with the command that starts the service",
        _ => "start the service",
    };

    private static CheckResult ProbeFile(InspectedBridge bridge, TargetEndpoint target)
    {
        const string Cure = "start the service that makes it, or correct \"Target\"";
        string path = target.UnixName!;
        Errno error = Libc.ErrorOf(Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status));
        if (error == Errno.EACCES)
            return CheckResult.Unknown(Name, $"{path} may not be seen by this user", bridge.AsRoot);
        if (error != Errno.None)
            return CheckResult.Broken(Name, $"there is no {path}", Cure);
        // The target may be given as a link, which connect(2) follows.
        if (!TryFollow(path, out string? real))
            return CheckResult.Broken(Name, $"{path} is a link that leads nowhere", "correct the link, or \"Target\"");
        if (!Path.Exists(real))
            return CheckResult.Broken(Name, $"there is no {real}, to which {path} is a link", Cure);
        return Libc.LinkStatus(Libc.PathBytes(real), out status) >= 0 && status.IsSocket
            ? CheckResult.Ok(Name, $"{path} is a socket")
            : CheckResult.Broken(Name, $"{path} is no socket", "correct \"Target\"");
    }

    private static bool TryFollow(string path, out string real)
    {
        real = path;
        try
        {
            real = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            return true;
        }
        catch (IOException)
        {
            // A link that leads back to itself.
            return false;
        }
    }

    private static CheckResult ProbeName(InspectedBridge bridge, TargetEndpoint target, NamespaceSockets found) =>
        found.All.FirstOrDefault(socket => socket.Kind == BoundSocketKind.Unix && socket.Name == "@" + target.UnixName) is { } taker
            ? CheckResult.Ok(Name, $"{Owner(bridge, taker)} listens on {target}")
            : CheckResult.Broken(
                Name,
                $"nothing listens on {target} in {bridge.Place}; an abstract name is visible only in the namespace in which it was made",
                StartInside(bridge, null));

    private static IEnumerable<int> Ports(TargetEndpoint target) => Enumerable.Range(target.Ports.First, target.Ports.Count);

    private static bool IsLocal(NetworkNamespace network, IPAddress address, ConnectTarget route, int index) =>
        IPAddress.IsLoopback(address) || (RouteCheck.Find(network, route, index, out IPAddress? source) == Errno.None
            && source!.Equals(RouteCheck.WithoutInterface(address)));

    private static string Owner(InspectedBridge bridge, BoundSocket socket) => bridge.Sockets.OwnerOf(socket)?.ToString() ?? "a process";

    private static string OwnerName(InspectedBridge bridge, BoundSocket socket) => bridge.Sockets.OwnerOf(socket)?.Name ?? "a process";
}
