namespace NsBridge.Testing;

/// <summary>A lock between processes: whoever has the file open alone. It ends with the process, however that ends.</summary>
public sealed class FileLock : IDisposable
{
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Waits until nobody else holds <paramref name="path"/>, which is made where missing and left behind.</summary>
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
