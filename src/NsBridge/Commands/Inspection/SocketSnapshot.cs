using System.Globalization;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Inspection;

/// <summary>The listening sockets of one network namespace.</summary>
internal sealed class NamespaceSockets(IReadOnlyList<BoundSocket> all)
{
    private readonly ILookup<(BoundSocketKind, int), BoundSocket> _byPort =
        all.ToLookup(socket => (socket.Kind, socket.Address?.Port ?? 0));

    public IReadOnlyList<BoundSocket> All => all;

    /// <summary>Why the sockets are not known, in words; null if they are.</summary>
    public string? Fault { get; init; }

    /// <summary>Whether the fault is a missing privilege.</summary>
    public bool IsForbidden { get; init; }

    public IEnumerable<BoundSocket> At(BoundSocketKind kind, int port) => _byPort[(kind, port)];
}

/// <summary>The listening sockets of all namespaces and the processes that hold them. Each namespace is dumped once and the process table
/// is read once, for all bridges together: with a search per socket, 2,000 UDP ports took 63 s.</summary>
internal sealed class SocketSnapshot
{
    private const string Prefix = "socket:[";
    private const string OwnName = "nsbridge";

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, NamespaceSockets> _namespaces = [];
    private readonly Dictionary<int, RunningProcess?> _processes = [];

    /// <summary>The processes of each socket, ascending, by the socket's inode. Root alone sees the processes of other users.</summary>
    private readonly Lazy<ILookup<uint, int>> _holders = new(() => RunningProcess.All()
        .SelectMany(pid => SocketsOf(pid).Select(inode => (Inode: inode, Pid: pid))).ToLookup(held => held.Inode, held => held.Pid));

    /// <summary>The sockets of a namespace. Must run on a thread of the caller's own, because it may enter the namespace.</summary>
    public NamespaceSockets In(NetworkNamespace network)
    {
        int netlink = network.OpenSocket(
            Libc.AF_NETLINK, Libc.SOCK_RAW, out ulong cookie, out EnterFailure failure, Libc.NETLINK_SOCK_DIAG);
        if (netlink < 0)
            return new NamespaceSockets([]) { Fault = network.Explain(failure), IsForbidden = failure.LacksPrivilege };
        try
        {
            lock (_lock)
            {
                if (!_namespaces.TryGetValue(cookie, out NamespaceSockets? known))
                    _namespaces.Add(cookie, known = Read(netlink));
                return known;
            }
        }
        finally
        {
            Libc.Close(netlink);
        }
    }

    /// <summary>The process of a socket; null if this user may not see it. Of several that share the socket, the oldest made it.</summary>
    public RunningProcess? OwnerOf(BoundSocket socket)
    {
        lock (_lock)
        {
            int pid = _holders.Value[socket.Inode].FirstOrDefault();
            if (pid > 0 && !_processes.ContainsKey(pid))
                _processes.Add(pid, RunningProcess.TryRead(pid));
            return pid > 0 ? _processes[pid] : null;
        }
    }

    public bool IsHeldBy(BoundSocket socket, int pid) => _holders.Value[socket.Inode].Contains(pid);

    /// <summary>Whether the socket is one of nsbridge's own listeners, so never the service that is looked for.</summary>
    public bool IsOwn(BoundSocket socket) => OwnerOf(socket) is { Name: OwnName };

    private static NamespaceSockets Read(int netlink)
    {
        List<BoundSocket> found = SocketDiagnostics.Listening(netlink, out Errno error);
        string? fault = error == Errno.None || found.Count > 0 ? null : $"the kernel does not list its sockets ({error})";
        return new NamespaceSockets(found) { Fault = fault };
    }

    /// <summary>The inodes of the sockets that a process holds; none if this user may not see them.</summary>
    private static IEnumerable<uint> SocketsOf(int pid)
    {
        FileSystemInfo[] descriptors;
        try
        {
            descriptors = new DirectoryInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd")).GetFileSystemInfos();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            yield break;
        }
        foreach (FileSystemInfo descriptor in descriptors)
        {
            if (descriptor.LinkTarget is { } link && link.StartsWith(Prefix, StringComparison.Ordinal)
                && uint.TryParse(link[Prefix.Length..^1], NumberStyles.None, CultureInfo.InvariantCulture, out uint inode))
            {
                yield return inode;
            }
        }
    }
}
