using NsBridge.Linux.Interop;

namespace NsBridge.Configuration.Sources;

/// <summary>Which file holds the configuration, and its bytes.</summary>
internal static class ConfigurationFile
{
    private const string Name = "appsettings.json";
    private const string Packaged = "/etc/nsbridge/appsettings.json";

    /// <summary>Far beyond any real file; keeps <c>--config /dev/zero</c> from eating the machine.</summary>
    private const int LargestSize = 16 << 20;

    /// <summary>The full path of the file: the given one, else the one in the working directory, else the packaged one.</summary>
    public static string Choose(string? given)
    {
        if (given is not null)
            return FullPath(given);
        var here = FullPath(Name);
        return Path.Exists(here) ? here : Packaged;
    }

    /// <summary>Reads the file whole; null, and one fault, where that cannot be done.</summary>
    /// <param name="file">A full path.</param>
    /// <param name="given">Whether the operator named the file.</param>
    /// <param name="faults">Takes the fault.</param>
    public static byte[]? Read(string file, bool given, List<ConfigurationFault> faults)
    {
        var message = Look(file, given);
        if (message is null)
        {
            try
            {
                var bytes = ReadAll(file);
                if (bytes.Length <= LargestSize)
                    return bytes;
                message = $"the file is larger than {LargestSize >> 20} MiB, which no configuration is";
            }
            catch (UnauthorizedAccessException)
            {
                message = Explain(Errno.EACCES, file, given);
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
            {
                // Taken away since it was looked at.
                message = Explain(Errno.ENOENT, file, given);
            }
            catch (IOException exception)
            {
                message = Explain((Errno)exception.HResult, file, given);
            }
        }

        faults.Add(new ConfigurationFault(file, null, message));
        return null;
    }

    /// <summary>Looks at what is there before it is opened: opening a pipe waits for whoever writes to it.</summary>
    /// <returns>Why it cannot be read; null where nothing speaks against it.</returns>
    private static string? Look(string file, bool given)
    {
        var found = Libc.Open(Libc.PathBytes(file), Libc.O_PATH);
        var message = found < 0 ? Explain(Libc.ErrorOf(found), file, given) : FaultOf(found, file);
        Libc.Close(found);
        return message;
    }

    private static string? FaultOf(int found, string file)
    {
        if (Libc.Status(found, out var status) < 0)
            return null;
        if (status.IsDirectory)
            return "this is a directory; give the file";
        // One that lies on the disk is opened only once somebody writes to it, which may be never.
        return status.IsPipe && Libc.FileSystemType(found) != Libc.PIPEFS_MAGIC && !IsOwnDescriptor(file)
            ? "this is a named pipe, not a file; a pipe is read as /dev/stdin or <(...)"
            : null;
    }

    private static bool IsOwnDescriptor(string file) =>
        file == "/dev/stdin" || file.StartsWith("/dev/fd/", StringComparison.Ordinal) || file.StartsWith("/proc/self/fd/", StringComparison.Ordinal);

    private static string Explain(Errno error, string file, bool given) => error switch
    {
        Errno.ENOENT when new FileInfo(file).LinkTarget is { } target => $"this is a link to {target}, which is not there",
        Errno.ENOENT when given => "there is no such file",
        Errno.ENOENT => $"there is no configuration: neither {FullPath(Name)} nor this file exists; give one with --config FILE",
        Errno.EACCES or Errno.EPERM => "the file may not be read by this user (permission denied)",
        Errno.ELOOP => "the file cannot be read: ELOOP - a link that leads back to itself",
        Errno.ENOTDIR => "the file cannot be read: ENOTDIR - a part of its path is no directory",
        Errno.ENXIO => "the file cannot be read: ENXIO - this is a socket, or a device that is not there",
        _ => $"the file cannot be read: {error}",
    };

    private static string FullPath(string path)
    {
        try
        {
            return Path.GetFullPath(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The working directory was deleted: no relative path leads anywhere, and reading says so.
            return path;
        }
    }

    // Not by the file's length: a pipe, as in --config <(generate), has none.
    private static byte[] ReadAll(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var whole = new MemoryStream();
        var chunk = new byte[64 << 10];
        int count;
        while (whole.Length <= LargestSize && (count = stream.Read(chunk)) > 0)
            whole.Write(chunk, 0, count);
        return whole.ToArray();
    }
}
