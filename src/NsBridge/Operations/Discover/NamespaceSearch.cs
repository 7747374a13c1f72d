using System.Globalization;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Operations.Looking;

namespace NsBridge.Operations.Discover;

/// <summary>Finds every network namespace: those with names, and those that only processes are in.</summary>
internal static class NamespaceSearch
{
    private const string Names = "/run/netns";

    /// <summary>All but the host's, named ones first, each once.</summary>
    public static List<NamespaceFound> All()
    {
        var seen = new HashSet<ulong>();
        if (InodeOf("/proc/thread-self/ns/net") is { } own)
            seen.Add(own);
        var found = new List<NamespaceFound>();
        if (Directory.Exists(Names))
        {
            foreach (var file in Directory.EnumerateFiles(Names).Order(StringComparer.Ordinal))
            {
                if (InodeOf(file) is { } inode && seen.Add(inode))
                    found.Add(new NamespaceFound(Path.GetFileName(file), NetworkNamespace.AtPath(file)));
            }
        }

        found.AddRange(Unnamed(seen));
        return found;
    }

    private static IEnumerable<NamespaceFound> Unnamed(HashSet<ulong> seen)
    {
        var members = new Dictionary<ulong, List<int>>();
        foreach (var pid in SocketOwners.Processes())
        {
            if (InodeOf(FileOf(pid)) is not { } inode || seen.Contains(inode))
                continue;
            if (!members.TryGetValue(inode, out var pids))
                members.Add(inode, pids = []);
            pids.Add(pid);
        }

        foreach (var pids in members.Values)
        {
            var processes = pids.Select(RunningProcess.TryRead).OfType<RunningProcess>().ToList();
            // A container's or a service's name outlives its processes; a process's number does not.
            var best = processes.Find(process => process.Container is not null) ?? processes.Find(process => process.Unit is not null) ?? processes.FirstOrDefault();
            if (best is null)
                continue;
            var reference = best.Container is { } id ? $"container:{id[..12]}"
                : best.Unit is { } unit ? $"unit:{unit}"
                : string.Create(CultureInfo.InvariantCulture, $"pid:{best.Pid}");
            yield return new NamespaceFound(reference, NetworkNamespace.AtPath(FileOf(best.Pid)));
        }
    }

    private static string FileOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/net");

    /// <summary>The number of a namespace file; null where it is none, or may not be opened.</summary>
    private static ulong? InodeOf(string file)
    {
        var descriptor = Libc.Open(Libc.PathBytes(file), Libc.O_RDONLY | Libc.O_NONBLOCK);
        if (descriptor < 0)
            return null;
        var isNamespace = Libc.FileSystemType(descriptor) == Libc.NSFS_MAGIC;
        var known = Libc.Status(descriptor, out var status) >= 0;
        Libc.Close(descriptor);
        return isNamespace && known ? status.Inode : null;
    }
}
