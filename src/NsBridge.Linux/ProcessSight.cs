using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>The file system as another process sees it and may use it: its root with its mounts, its user and its groups.</summary>
/// <remarks>Root's alone to have. The calling thread takes the process's rights for single system calls, so it has to be a thread of its
/// own, never one of the pool.</remarks>
public sealed class ProcessSight : IDisposable
{
    private const int CAP_DAC_OVERRIDE = 1;

    private readonly int _root;
    private readonly uint _user;
    private readonly uint _group;
    private readonly uint[] _groups;

    private ProcessSight(int root, uint user, uint group, uint[] groups)
    {
        _root = root;
        _user = user;
        _group = group;
        _groups = groups;
    }

    /// <summary>The sight of a process; null where it has ended, or this user may not know.</summary>
    public static ProcessSight? Of(int process)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}");
        if (Libc.EffectiveUser() != 0)
            return null;
        try
        {
            string[] status = File.ReadAllLines($"{folder}/status");
            uint user = uint.Parse(Field(status, "Uid:")[1], CultureInfo.InvariantCulture);
            uint group = uint.Parse(Field(status, "Gid:")[1], CultureInfo.InvariantCulture);
            uint[] groups = [.. Field(status, "Groups:").Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];
            ulong capabilities = ulong.Parse(Field(status, "CapEff:")[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            int root = Libc.Open(Libc.PathBytes($"{folder}/root"), Libc.O_PATH | Libc.O_DIRECTORY);
            if (root < 0)
                return null;
            return new ProcessSight(root, (capabilities & 1UL << CAP_DAC_OVERRIDE) != 0 ? 0 : user, group, groups);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether there is anything at a path for the process.</summary>
    public bool Sees(string path)
    {
        int found = Libc.OpenBelow(_root, Libc.PathBytes(path));
        Libc.Close(found);
        return found >= 0;
    }

    /// <summary>What connect(2) would tell the process of the UNIX socket at a path, as far as the path and its permissions go.</summary>
    public Errno MayConnect(string path)
    {
        byte[] bytes = Libc.PathBytes(path);
        uint[] ownGroups = Libc.Groups();
        if (Libc.SetGroups(_groups) < 0)
            return Errno.None;
        uint ownGroup = Libc.SetFileGroup(_group);
        uint ownUser = Libc.SetFileUser(_user);
        int found = Libc.OpenBelow(_root, bytes);
        int may = found < 0 ? found : Libc.MayWrite(found);
        _ = Libc.SetFileUser(ownUser);
        _ = Libc.SetFileGroup(ownGroup);
        _ = Libc.SetGroups(ownGroups);
        Libc.Close(found);
        return Libc.ErrorOf(may);
    }

    public void Dispose() => Libc.Close(_root);

    private static string[] Field(string[] status, string name) =>
        status.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
