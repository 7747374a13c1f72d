using System.Net;
using NsBridge.Bridges.Connecting;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Does something listen on the target, where that lies in the namespace itself?</summary>
internal static class TargetCheck
{
    private const string Name = "target";
    private const int MostOthers = 3;

    public static CheckResult? Look(InspectedBridge patient)
    {
        if (patient.Network is not { } network || patient.Bridge.Target is not { } target)
            return null;
        if (target.Kind == TargetKind.UnixPath)
            return LookAtFile(patient, target);
        var sockets = NamespaceSockets.Look(network);
        if (sockets.Fault is { } fault)
            return CheckResult.Note(Name, $"what listens in {patient.Place} cannot be told: {fault}");
        if (target.Kind == TargetKind.UnixAbstract)
            return LookAtName(patient, target, sockets.Sockets);

        // A target elsewhere, behind a route: only its answer tells.
        var plan = ConnectTarget.ToTarget(patient.Bridge);
        var local = target.Addresses.Where((address, i) => IsLocal(network, address, plan, i)).Select(RouteCheck.WithoutInterface).ToList();
        if (local.Count == 0)
            return null;
        BoundSocketKind kind = patient.Bridge.Protocol == BridgeProtocol.Udp ? BoundSocketKind.Udp : BoundSocketKind.Tcp;
        var awaiting = sockets.Sockets.Where(socket => socket.Kind == kind).ToList();
        BoundSocket? first = null;
        for (int port = target.Ports.First; port <= target.Ports.Last; port++)
        {
            BoundSocket? taker = awaiting.Find(socket => local.Exists(address => socket.Takes(address, port)));
            if (taker is null)
                return Missing(patient, target, port, kind, awaiting);
            first ??= taker;
        }

        return CheckResult.Ok(Name, $"{Who(first!)} listens on {first}");
    }

    private static CheckResult Missing(InspectedBridge patient, TargetEndpoint target, int port, BoundSocketKind kind, List<BoundSocket> awaiting)
    {
        string wanted = target.Ports.Count > 1 ? $"port {port} of {target}" : target.ToString();
        var samePort = awaiting.Where(socket => socket.Address!.Port == port).ToList();
        if (samePort.Count > 0)
        {
            BoundSocket there = samePort[0];
            return CheckResult.Broken(
                Name,
                $"nothing listens on {wanted} in {patient.Place}: {Who(there)} listens on {string.Join(" and ", samePort)} only",
                $"write \"Target\": \"{there}\", or let {NameOf(there)} listen on {target.Addresses[0]}");
        }

        BoundSocket? onHost = patient.Network!.IsOwn
            ? null
            : patient.Host.Sockets.FirstOrDefault(socket => socket.Kind == kind && target.Addresses.Any(address => socket.Takes(address, port)));
        if (onHost is not null)
        {
            return CheckResult.Broken(
                Name,
                $"nothing listens on {wanted} in {patient.Place}; {Who(onHost)} listens on {onHost} of the host, outside of it",
                patient.Bridge.Namespace is { Kind: NamespaceKind.Name or NamespaceKind.Path, FilePath: { } file }
                    ? $"start it inside: NetworkNamespacePath={file} in its unit, or 'nsenter --net={file}'"
                    : "start it inside");
        }

        if (awaiting.Count == 0)
            return CheckResult.Broken(Name, $"nothing listens on {wanted} in {patient.Place}, nor on any other port there", "start the service inside the namespace");
        IEnumerable<string> others = awaiting.DistinctBy(socket => socket.Address!.Port).Take(MostOthers).Select(socket => $"{NameOf(socket)} on {socket}");
        return CheckResult.Broken(
            Name,
            $"nothing listens on {wanted} in {patient.Place}; there {(awaiting.Count == 1 ? "is" : "are")} {string.Join(", ", others)}",
            "start the service, or correct the port in \"Target\"");
    }

    private static CheckResult LookAtFile(InspectedBridge patient, TargetEndpoint target)
    {
        const string Cure = "start the service that makes it, or correct \"Target\"";
        string path = target.UnixName!;
        if (!Path.Exists(path))
            return CheckResult.Broken(Name, $"there is no {path}", Cure);
        // The target may be given as a link, which connect(2) follows.
        if (!TryFollow(path, out string? real))
            return CheckResult.Broken(Name, $"{path} is a link that leads nowhere", "correct the link, or \"Target\"");
        if (!Path.Exists(real))
            return CheckResult.Broken(Name, $"there is no {real}, to which {path} is a link", Cure);
        return Libc.LinkStatus(Libc.PathBytes(real), out FileStatus status) >= 0 && status.IsSocket
            ? DaemonSight.LookAtSocket(Name, patient, path) ?? CheckResult.Ok(Name, $"{path} is a socket")
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
            // A link to itself, by whatever way.
            return false;
        }
    }

    private static CheckResult LookAtName(InspectedBridge patient, TargetEndpoint target, IReadOnlyList<BoundSocket> sockets)
    {
        BoundSocket? found = sockets.FirstOrDefault(socket => socket.Kind == BoundSocketKind.Unix && socket.Name == "@" + target.UnixName);
        return found is not null
            ? CheckResult.Ok(Name, $"{Who(found)} listens on {target}")
            : CheckResult.Broken(
                Name,
                $"nothing listens on {target} in {patient.Place}",
                "start the service inside the namespace: an abstract name is seen only in the one it was made in");
    }

    private static bool IsLocal(NetworkNamespace network, IPAddress address, ConnectTarget plan, int index) => IPAddress.IsLoopback(address)
        || (RouteCheck.Find(network, plan, index, out IPAddress? source) == Errno.None && source!.Equals(RouteCheck.WithoutInterface(address)));

    private static string Who(BoundSocket socket) => OwnerOf(socket)?.ToString() ?? "a process";

    private static string NameOf(BoundSocket socket) => OwnerOf(socket)?.Name ?? "a process";

    private static RunningProcess? OwnerOf(BoundSocket socket) => SocketOwners.Find(new HashSet<uint> { socket.Inode }).GetValueOrDefault(socket.Inode);
}
