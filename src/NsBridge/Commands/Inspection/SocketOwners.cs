using System.Globalization;

namespace NsBridge.Commands.Inspection;

/// <summary>Finds the processes that hold sockets. Processes of others are seen by root only.</summary>
internal static class SocketOwners
{
    private const string Prefix = "socket:[";

    /// <summary>The process of each socket, by the socket's inode; what cannot be seen is left out.</summary>
    public static Dictionary<uint, RunningProcess> Find(IReadOnlySet<uint> inodes)
    {
        var found = new Dictionary<uint, RunningProcess>();
        foreach (int pid in Processes())
        {
            RunningProcess? process = null;
            foreach (uint inode in SocketsOf(pid))
            {
                // Several processes may share one: the first, the oldest, is the one that made it.
                if (!inodes.Contains(inode) || found.ContainsKey(inode))
                    continue;
                process ??= RunningProcess.TryRead(pid);
                if (process is not null)
                    found.Add(inode, process);
            }

            if (found.Count == inodes.Count)
                break;
        }

        return found;
    }

    /// <summary>The numbers of all processes, ascending.</summary>
    public static IEnumerable<int> Processes() => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)
        .Where(pid => pid > 0)
        .Order();

    /// <summary>The inodes of the sockets that a process holds; none where that may not be seen.</summary>
    public static IEnumerable<uint> SocketsOf(int pid)
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
            if (TargetOf(descriptor) is { } target && target.StartsWith(Prefix, StringComparison.Ordinal)
                && uint.TryParse(target.AsSpan(Prefix.Length, target.Length - Prefix.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint inode))
            {
                yield return inode;
            }
        }
    }

    private static string? TargetOf(FileSystemInfo descriptor)
    {
        try
        {
            return descriptor.LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
