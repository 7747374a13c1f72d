using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>What was written of one bridge, and what of it is known well enough to be compared with something else.</summary>
/// <param name="written">What was written of all.</param>
/// <param name="path">The bound key of the bridge, <c>NsBridge:Bridges:0</c>.</param>
internal sealed class BridgeKeys(BoundConfiguration written, string path)
{
    public string Path => path;

    /// <summary>Whether its UNIX socket is where the settings say.</summary>
    public bool IsSocketKnown => IsWritten(nameof(BridgeOptions.Socket))
        ? AreKnown(nameof(BridgeOptions.Socket))
        : AreKnown(nameof(BridgeOptions.Name)) && written.IsKnown(SettingsReader.DirectoryKey);

    public bool IsWritten(string name) => written.IsWritten($"{path}:{name}");

    /// <summary>Whether the settings hold what was written at each of the keys, or its default where it was left out.</summary>
    public bool AreKnown(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (!written.IsKnown($"{path}:{name}"))
                return false;
        }

        return true;
    }
}
