using System.Text;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Makes the settings of what was written, and finds every fault of the values and between them.</summary>
/// <param name="section">The section <c>NsBridge</c>.</param>
/// <param name="environment">The environment's variables.</param>
/// <param name="directoryInUse">The runtime directory that this process keeps until it ends; null if it has none yet.</param>
/// <param name="faults">Takes what is found.</param>
internal sealed class SettingsReader(
    KeyNode section, IReadOnlyDictionary<string, string> environment, string? directoryInUse, List<ConfigurationFault> faults)
{
    private readonly KeyNode _directory = section.At(DaemonKeys.RuntimeDirectory);

    public DaemonSettings Read()
    {
        KeyValues values = ValueReader.Read(section, faults);
        if (_directory.Parsed is null && GivenDirectory(environment) is { } given && AbsolutePath.TryParseDirectory(given, out string directory, out _))
            values = values.With(DaemonKeys.RuntimeDirectory, directory);
        var settings = new DaemonSettings { Values = values, Bridges = [] };
        CheckLength(settings.ControlSocket);
        WrittenBridge[] bridges = section.At(section.Key.Find(KeyTable.Bridges)!).Items.Values
            .Select(node => BridgeReader.Read(node, _directory, directoryInUse ?? settings.RuntimeDirectory, faults)).ToArray();
        settings = settings with { Bridges = [.. bridges.Select(bridge => bridge.Settings)] };
        KeyNode metrics = section.At(section.Key.Find("Metrics")!).At(DaemonKeys.MetricsListen);
        new CrossBridgeRules(_directory, metrics, settings, faults).Check(bridges);
        return settings;
    }

    /// <summary>The directory as the file, the environment or the service manager gives it, unchecked.</summary>
    public string DirectoryAsGiven => _directory.Value ?? GivenDirectory(environment) ?? DaemonKeys.DefaultRuntimeDirectory;

    /// <summary>The directory of the service manager; null if it gives none. systemd writes those of RuntimeDirectory= with colons between them.</summary>
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
