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

    /// <summary>Reads the file whole; null, and one fault, where that cannot be done.</summary>
    /// <param name="file">What <see cref="Choose"/> gave.</param>
    /// <param name="given">Whether the operator named the file.</param>
    /// <param name="faults">Takes the fault.</param>
    public static byte[]? Read(string file, bool given, List<ConfigurationFault> faults)
    {
        byte[]? bytes = WholeFile.Read(file, out UnreadableFile? fault);
        if (fault is not null)
        {
            faults.Add(new ConfigurationFault(file, null, fault.IsMissing && !given
                ? $"there is no configuration: neither {FullPath(Name)} nor this file exists; give one with --config FILE"
                : fault.IsForbidden ? $"{fault.Message}; whoever runs nsbridge has to read it (chmod a+r, and a+x on the folders above it)" : fault.Message));
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
            // The working directory was deleted: no relative path leads anywhere, and reading says so.
            return path;
        }
    }
}
