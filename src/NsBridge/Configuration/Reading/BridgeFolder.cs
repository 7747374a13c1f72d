using NsBridge.Base;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>The folder <c>conf.d</c> beside the configuration file. Each <c>*.json</c> in it adds bridges.</summary>
/// <param name="configuration">The configuration file.</param>
internal sealed class BridgeFolder(string configuration)
{
    public string FullName { get; } = Path.Combine(Path.GetDirectoryName(configuration) ?? "", "conf.d");

    /// <summary>The files in the order of their names; hidden ones, which editors make, are left out. None without the folder.</summary>
    /// <exception cref="IOException">This is no folder.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not list it.</exception>
    public IReadOnlyList<string> List()
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(FullName, "*.json")
                .Where(file => !Path.GetFileName(file).StartsWith('.')).Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException) when (!Path.Exists(FullName))
        {
            return [];
        }
    }

    /// <summary>Reads every file whole; one that cannot be read is a fault.</summary>
    /// <param name="isGiven">Whether the configuration was named, with the folder beside it.</param>
    /// <param name="faults">Gets the faults.</param>
    public List<(string File, byte[] Bytes)> Read(bool isGiven, List<ConfigurationFault> faults)
    {
        var read = new List<(string, byte[])>();
        var own = new List<ConfigurationFault>();
        // Whoever may make files beside the configuration, as in /tmp, may have made the folder that its name stands for too.
        bool mustTrust = !isGiven || FileTrust.IsShared(Path.GetDirectoryName(FullName) ?? "");
        string cure = isGiven
            ? "give it to root, or move the configuration"
            : $"if it is right, name the configuration: --config {configuration}";
        try
        {
            foreach (string file in Path.Exists(FullName) && MayRead(FullName) ? List() : [])
            {
                if (MayRead(file) && ConfigurationFile.Read(file, isGiven: true, own) is { } bytes)
                    read.Add((file, bytes));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            string why = File.Exists(FullName) ? "this is a file" : ErrorText.Of(exception);
            own.Add(new ConfigurationFault(FullName, null, $"{why}; a folder of files that add bridges is expected here"));
        }
        faults.AddRange(own.Select(fault => fault with { File = fault.Path }));
        return read;

        bool MayRead(string path)
        {
            if (!mustTrust || FileTrust.FaultOf(path) is not { } distrust)
                return true;
            string refusal = $"{distrust}. It is not read; {cure}";
            own.Add(new ConfigurationFault(path, null, refusal) { IsDistrust = true });
            return false;
        }
    }
}

/// <summary>Distinguishes one content of the configuration, with its <see cref="BridgeFolder"/>, from another.</summary>
internal sealed record ConfigurationMark(FileMark File, FileMark Folder, ValueList<FileMark> Bridges)
{
    public static ConfigurationMark Of(string configuration)
    {
        var folder = new BridgeFolder(configuration);
        IReadOnlyList<string> files = [];
        try
        {
            files = folder.List();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Reading it reports the fault.
        }
        return new(FileMark.Of(configuration), FileMark.Of(folder.FullName), [.. files.Select(FileMark.Of)]);
    }
}
