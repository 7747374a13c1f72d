using NsBridge.Linux.Interop;

namespace NsBridge.Configuration.Reading;

/// <summary>Which file holds the configuration, and its bytes.</summary>
internal static class ConfigurationFile
{
    private const string Name = "appsettings.json";
    private const string Packaged = "/etc/nsbridge/appsettings.json";

    /// <summary>The full path of the file: the given one, else the one in the working directory, else the packaged one.</summary>
    public static string Choose(string? given)
    {
        if (given is not null)
            return FullPath(given);
        string here = FullPath(Name);
        return Path.Exists(here) ? here : Packaged;
    }

    /// <summary>Says that there are two files and which one has no effect; null if there is one, or if it was given.</summary>
    public static string? DoubtOf(string chosen, bool isGiven) => isGiven || chosen == Packaged || !Path.Exists(Packaged) ? null
        : $"{chosen} is used; {Packaged} is not (--config FILE names another)";

    /// <summary>Reads the file whole; null, and one fault, if that is impossible. One that was not given has to be trusted.</summary>
    public static byte[]? Read(string file, bool isGiven, List<ConfigurationFault> faults)
    {
        if (!isGiven && FileTrust.FaultOf(file) is { } distrust)
        {
            string refusal = $"{distrust}. It is not read; if it is right, name it: --config {file}";
            faults.Add(new ConfigurationFault(file, null, refusal) { IsDistrust = true });
            return null;
        }
        byte[]? bytes = WholeFile.Read(file, out UnreadableFile? fault);
        if (fault is not null)
        {
            string message = fault.IsMissing && !isGiven
                ? $"there is no configuration: neither {FullPath(Name)} nor this file exists; give one with --config FILE"
                : fault.IsForbidden
                    ? $"{fault.Message}; the user that runs nsbridge has to read it (chmod a+r, and a+x on the folders above it)"
                    : fault.Message;
            faults.Add(new ConfigurationFault(file, null, message));
        }
        return bytes;
    }

    private static string FullPath(string path)
    {
        try
        {
            return Path.GetFullPath(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The working directory was deleted: no relative path leads anywhere, which reading reports.
            return path;
        }
    }
}

/// <summary>Distinguishes one content of a file from another by the file system's own records; the default if there is no file.</summary>
/// <remarks>The time of change covers the permissions too: a file that could not be read may have become readable.</remarks>
internal readonly record struct FileMark(
    ulong Inode, ulong Length, (long Seconds, uint Nanoseconds) Modified, (long Seconds, uint Nanoseconds) Changed)
{
    public bool Exists => Inode != 0;

    /// <summary>The mark of the file that <paramref name="path"/> leads to, links followed.</summary>
    public static FileMark Of(string path)
    {
        int file = Libc.Open(Libc.PathBytes(path), Libc.O_PATH);
        if (file < 0)
            return default;
        int result = Libc.Status(file, out FileStatus status);
        Libc.Close(file);
        return result < 0 ? default : new FileMark(
            status.Inode, status.Size, (status.ModifiedSeconds, status.ModifiedNanoseconds),
            (status.ChangedSeconds, status.ChangedNanoseconds));
    }
}
