using NsBridge.Linux.Interop;

namespace NsBridge.Configuration.Reading;

/// <summary>Why a file cannot be read.</summary>
/// <param name="Message">In words, without the file's name.</param>
internal sealed record UnreadableFile(string Message)
{
    /// <summary>Whether nothing at all is there.</summary>
    public bool IsMissing { get; init; }

    /// <summary>Whether this user lacks the permission.</summary>
    public bool IsForbidden { get; init; }
}

/// <summary>Reads a file that the operator named, of whatever type: it never waits without end and never fills the memory.</summary>
internal static class WholeFile
{
    /// <summary>Far beyond any real file; keeps <c>/dev/zero</c> from filling the memory.</summary>
    private const int LargestSize = 16 << 20;

    private const int Permissions = 0b111_111_111;

    /// <summary>Its bytes; null, and why, if they cannot be read.</summary>
    public static byte[]? Read(string file, out UnreadableFile? fault)
    {
        fault = Examine(file);
        if (fault is not null)
            return null;
        try
        {
            byte[] bytes = ReadAll(file);
            if (bytes.Length <= LargestSize)
                return bytes;
            fault = new UnreadableFile($"the file is larger than {LargestSize >> 20} MiB");
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // It may have gone since it was examined.
            fault = Explain(
                exception is UnauthorizedAccessException ? Errno.EACCES
                : exception is FileNotFoundException or DirectoryNotFoundException ? Errno.ENOENT
                : (Errno)exception.HResult,
                file);
        }
        return null;
    }

    /// <summary>Examines the file before it is opened: opening a pipe waits for a writer.</summary>
    private static UnreadableFile? Examine(string file)
    {
        int found = Libc.Open(Libc.PathBytes(file), Libc.O_PATH);
        UnreadableFile? fault = found < 0 ? Explain(Libc.ErrorOf(found), file) : FaultOf(found, file);
        Libc.Close(found);
        return fault;
    }

    private static UnreadableFile? FaultOf(int found, string file)
    {
        if (Libc.Status(found, out FileStatus status) < 0)
            return null;
        if (status.IsDirectory)
            return new UnreadableFile("this is a directory; give the file");
        // A pipe on the disk opens only when a process writes to it, which may be never.
        return status.IsPipe && Libc.FileSystemType(found) != Libc.PIPEFS_MAGIC && !IsOwnDescriptor(file)
            ? new UnreadableFile("this is a named pipe, not a file; a pipe is read as /dev/stdin or <(...)")
            : null;
    }

    private static bool IsOwnDescriptor(string file) => file == "/dev/stdin"
        || file.StartsWith("/dev/fd/", StringComparison.Ordinal) || file.StartsWith("/proc/self/fd/", StringComparison.Ordinal);

    private static UnreadableFile Explain(Errno error, string file) => error switch
    {
        Errno.ENOENT when LinkTarget(file) is { } target => new($"this is a link to {target}, which is not there"),
        Errno.ENOENT => new("there is no such file") { IsMissing = true },
        Errno.EACCES or Errno.EPERM =>
            new($"the file may not be read by this user, {Libc.EffectiveUser()} (permission denied): {Protection(file)}")
            {
                IsForbidden = true,
            },
        Errno.ELOOP => new("the file cannot be read: ELOOP - a link that leads back to itself"),
        Errno.ENOTDIR => new("the file cannot be read: ENOTDIR - a part of its path is no directory"),
        Errno.ENXIO => new("the file cannot be read: ENXIO - this is a socket, or a device that is not there"),
        _ => new($"the file cannot be read: {error}"),
    };

    private static string Protection(string file)
    {
        int found = Libc.Open(Libc.PathBytes(file), Libc.O_PATH);
        bool isSeen = Libc.Status(found, out FileStatus status) >= 0;
        Libc.Close(found);
        string mode = Convert.ToString(status.Mode & Permissions, 8).PadLeft(3, '0');
        return isSeen
            ? $"it has mode 0{mode} and belongs to user {status.User}, group {status.Group}"
            : "a folder above it, or above what it is a link to, is closed to this user";
    }

    /// <summary>What a symbolic link contains; null if this is none.</summary>
    public static string? LinkTarget(string file)
    {
        try
        {
            return new FileInfo(file).LinkTarget;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or UnauthorizedAccessException)
        {
            // The path is empty, or relative and the working directory was deleted: there is no link either.
            return null;
        }
    }

    // Not by the file's length: a pipe, as in --config <(generate), has none.
    private static byte[] ReadAll(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var whole = new MemoryStream();
        byte[] chunk = new byte[64 << 10];
        int count;
        while (whole.Length <= LargestSize && (count = stream.Read(chunk)) > 0)
            whole.Write(chunk, 0, count);
        return whole.ToArray();
    }
}
