using System.Text;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Makes the settings of what was written, and finds every fault of the values and between them.</summary>
internal sealed class SettingsReader(
    KeyNode section, IEnumerable<KeyNode> bridges, IReadOnlyDictionary<string, string> environment, string? directoryInUse,
    List<ConfigurationFault> faults)
{
    private readonly KeyNode _directory = section.At(DaemonKeys.RuntimeDirectory);

    public DaemonSettings Read()
    {
        KeyValues values = ValueReader.Read(section, faults);
        if (_directory.Parsed is null && GivenDirectory(environment) is { } given
            && AbsolutePath.TryParseDirectory(given, out string directory, out _))
        {
            values = values.With(DaemonKeys.RuntimeDirectory, directory);
            if (!_directory.IsBroken && FileTrust.FaultOf(directory) is { } distrust)
            {
                string refusal = $"$RUNTIME_DIRECTORY is {directory}, but {distrust}. If it is right, write it at this key";
                faults.Add(_directory.Refuse(refusal) with { IsDistrust = true });
            }
        }
        var settings = new DaemonSettings { Values = values, Bridges = [] };
        CheckLength(settings.ControlSocket);
        WrittenBridge[] written = bridges
            .Select(node => BridgeReader.Read(node, _directory, directoryInUse ?? settings.RuntimeDirectory, faults)).ToArray();
        settings = settings with { Bridges = [.. written.Select(bridge => bridge.Settings)] };
        KeyNode metrics = section.At(section.Key.Find("Metrics")!).At(DaemonKeys.MetricsListen);
        new CrossBridgeRules(_directory, metrics, settings, faults).Check(written);
        return settings;
    }

    /// <summary>The directory as the file, the environment or the service manager gives it, unchecked.</summary>
    public string DirectoryAsGiven => _directory.Value ?? GivenDirectory(environment) ?? DaemonKeys.DefaultRuntimeDirectory;

    /// <summary>The directory of the service manager; null if it gives none. systemd writes colons between several.</summary>
    public static string? GivenDirectory(IReadOnlyDictionary<string, string> environment) =>
        environment.GetValueOrDefault("RUNTIME_DIRECTORY")?.Split(':')[0] is { Length: > 0 } given ? given : null;

    private void CheckLength(string control)
    {
        int length = Encoding.UTF8.GetByteCount(control);
        if (length > TargetEndpoint.LongestUnixName)
        {
            faults.Add(_directory.Refuse(
                $"the path of the daemon's socket in it, {control}, is {length} bytes, and the path of a socket is at most "
                    + $"{TargetEndpoint.LongestUnixName}; write a shorter one"));
        }
    }
}

/// <summary>Parses each value of a section, once. A missing or refused one has its default, so that the others can be checked.</summary>
internal static class ValueReader
{
    public static KeyValues Read(KeyNode section, List<ConfigurationFault> faults) => KeyValues.Of(ReadRows(section, faults));

    private static IEnumerable<(ValueKey Key, object? Value)> ReadRows(KeyNode section, List<ConfigurationFault> faults)
    {
        foreach (Key key in section.Key.Below)
        {
            if (key is ValueKey row)
                yield return (row, Read(section.At(row), row, faults));
            else if (key.Kind == KeyKind.Section)
            {
                foreach ((ValueKey, object?) below in ReadRows(section.At(key), faults))
                    yield return below;
            }
        }
    }

    private static object? Read(KeyNode node, ValueKey row, List<ConfigurationFault> faults)
    {
        List<object?> entries = [];
        foreach (KeyNode entry in node.Entries)
        {
            if (entry.Value is null)
                continue;
            if (row.TryParse(entry.Value, out object? value, out string fault))
                entries.Add(entry.Parsed = value);
            else
                faults.Add(row.Kind == KeyKind.Value ? entry.Refuse(fault) : entry.Fault(fault));
        }
        if (node.Value is null && row.Missing is not null && !node.IsBroken)
            faults.Add(node.Refuse(row.Missing));
        return entries.Count > 0 ? row.Combine(entries) : row.Default;
    }
}
