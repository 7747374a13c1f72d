using System.Globalization;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Discover;

/// <summary>A network namespace on this machine other than the host's.</summary>
/// <param name="Reference">As a configuration names it: its name, the service, container or machine in it, or a process.</param>
/// <param name="Network">The way in.</param>
internal sealed record FoundNamespace(string Reference, NetworkNamespace Network);

/// <summary>Finds every network namespace: those with a name, and those that only processes are in.</summary>
internal sealed class NamespaceSearch
{
    private const string Cure = "run this command as root";

    private readonly HashSet<ulong> _seen = [];
    private readonly List<FoundNamespace> _found = [];
    private readonly List<string> _notes = [];

    private NamespaceSearch()
    {
    }

    /// <summary>All but the host's, named ones first, each once.</summary>
    public IReadOnlyList<FoundNamespace> Found => _found;

    /// <summary>What was left out and why, in words.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Whether there may be more that this user may not see.</summary>
    public bool IsHindered { get; private set; }

    public static NamespaceSearch All()
    {
        var search = new NamespaceSearch();
        if (InodeOf("/proc/thread-self/ns/net", out _) is { } own)
            search._seen.Add(own);
        search.AddNamed();
        search.AddUnnamed();
        return search;
    }

    /// <summary>How a configuration names a file in <c>/run/netns</c>: by its path if its name means something else, or nothing.</summary>
    /// <returns>Null if not even the path can be written.</returns>
    internal static string? ReferenceTo(string file, out string fault)
    {
        string name = Path.GetFileName(file);
        fault = "";
        if (NamespaceReference.TryParse(name, out NamespaceReference? reference, out _) && reference.Kind == NamespaceKind.Name)
            return name;
        return NamespaceReference.TryParse(file, out _, out fault) ? file : null;
    }

    private void AddNamed()
    {
        if (!NamespaceNames.TryList(out IReadOnlyList<string>? files))
            Hinder($"the named namespaces are not known, because this user may not read {NamespaceNames.Folder}: {Cure}");
        foreach (string file in files)
        {
            if (InodeOf(file, out Errno error) is not { } inode)
            {
                if (error == Errno.EACCES)
                    Hinder($"{file} may not be opened by this user: {Cure}");
            }
            else if (ReferenceTo(file, out string? fault) is { } reference)
            {
                if (_seen.Add(inode))
                    _found.Add(new FoundNamespace(reference, NetworkNamespace.AtPath(file)));
            }
            else if (!_seen.Contains(inode))
            {
                // A process in there is another way to name it.
                _notes.Add($"{file} cannot be written into a configuration ({fault}): give the namespace another name");
            }
        }
    }

    private void AddUnnamed()
    {
        var members = new Dictionary<ulong, List<int>>();
        bool isHidden = false;
        foreach (int pid in RunningProcess.All())
        {
            if (InodeOf(FileOf(pid), out Errno error) is not { } inode)
            {
                isHidden |= error == Errno.EACCES;
                continue;
            }
            if (_seen.Contains(inode))
                continue;
            if (!members.TryGetValue(inode, out List<int>? pids))
                members.Add(inode, pids = []);
            pids.Add(pid);
        }
        if (isHidden)
            Hinder($"seeing the namespaces of other users' processes needs CAP_SYS_PTRACE, entering them CAP_SYS_ADMIN: {Cure}");

        foreach ((ulong inode, List<int> pids) in members)
        {
            var processes = pids.Select(RunningProcess.TryRead).OfType<RunningProcess>().ToList();
            // A container's, machine's or service's name outlives its processes; a process's number does not.
            RunningProcess? best = processes.Find(process => process.Container is not null)
                ?? processes.Find(process => process.Machine is not null)
                ?? processes.Find(process => process.Unit is not null) ?? processes.FirstOrDefault();
            if (best is null)
                continue;
            string reference = best.Container is { } id ? $"container:{id[..12]}"
                : best.Machine is { } machine && LeadsTo(inode, $"machine:{machine}") ? $"machine:{machine}"
                : best.Unit is { } unit ? $"unit:{unit}"
                : string.Create(CultureInfo.InvariantCulture, $"pid:{best.Pid}");
            _found.Add(new FoundNamespace(reference, NetworkNamespace.AtPath(FileOf(best.Pid))));
        }
    }

    /// <summary>A process in a machine may be in a network of its own, as that of a service or container there.</summary>
    private static bool LeadsTo(ulong inode, string reference) =>
        NamespaceReference.TryParse(reference, out NamespaceReference parsed, out _)
        && ResolvedNamespace.FindAsync(parsed, isOfSession: false, CancellationToken.None).GetAwaiter().GetResult().File is { } file
        && InodeOf(file, out _) == inode;

    private void Hinder(string note)
    {
        IsHindered = true;
        _notes.Add(note);
    }

    private static string FileOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/net");

    /// <summary>The number of a namespace's file; null if it is none, or may not be opened.</summary>
    private static ulong? InodeOf(string file, out Errno error)
    {
        int descriptor = Libc.Open(Libc.PathBytes(file), Libc.O_RDONLY | Libc.O_NONBLOCK);
        error = Libc.ErrorOf(Math.Min(descriptor, 0));
        if (descriptor < 0)
            return null;
        bool isNamespace = Libc.FileSystemType(descriptor) == Libc.NSFS_MAGIC;
        bool isKnown = Libc.Status(descriptor, out FileStatus status) >= 0;
        Libc.Close(descriptor);
        return isNamespace && isKnown ? status.Inode : null;
    }
}
