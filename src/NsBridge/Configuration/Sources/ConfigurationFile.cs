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
        var message = "";
        try
        {
            if (Directory.Exists(file))
            {
                message = "this is a directory; give the file";
            }
            else
            {
                using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                var bytes = ReadAll(stream);
                if (bytes.Length <= LargestSize)
                    return bytes;
                message = $"the file is larger than {LargestSize >> 20} MiB, which no configuration is";
            }
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            message = new FileInfo(file).LinkTarget is { } target ? $"this is a link to {target}, which is not there"
                : given
                    ? "there is no such file"
                    : $"there is no configuration: neither {FullPath(Name)} nor this file exists; give one with --config FILE";
        }
        catch (UnauthorizedAccessException)
        {
            message = "the file may not be read by this user (permission denied)";
        }
        catch (IOException exception)
        {
            message = $"the file cannot be read (error {exception.HResult})";
        }

        faults.Add(new ConfigurationFault(file, null, message));
        return null;
    }

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
    private static byte[] ReadAll(FileStream stream)
    {
        using var whole = new MemoryStream();
        var chunk = new byte[64 << 10];
        int count;
        while (whole.Length <= LargestSize && (count = stream.Read(chunk)) > 0)
            whole.Write(chunk, 0, count);
        return whole.ToArray();
    }
}
