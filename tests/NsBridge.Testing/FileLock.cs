namespace NsBridge.Testing;

/// <summary>A lock between processes: a file that is open exclusively. The kernel releases it when the process ends.</summary>
public sealed class FileLock : IDisposable
{
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>
    /// Waits until no other process holds <paramref name="path"/>. The file is created if it is missing and is not removed.
    /// </summary>
    /// <exception cref="TimeoutException">Another process held it for longer than <paramref name="deadline"/>.</exception>
    public static async Task<FileLock> AcquireAsync(string path, TimeSpan deadline)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        FileStream? file = null;
        await Eventually.TrueAsync(() => TryOpen(path, out file), deadline, $"the lock {path}, which another test process holds");
        return new FileLock(file!);
    }

    public void Dispose() => _file.Dispose();

    private static bool TryOpen(string path, out FileStream? file)
    {
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            file = null;
            return false;
        }
    }
}
