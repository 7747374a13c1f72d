using System.Globalization;
using System.Text;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// Makes the snapshot of what was written, and finds the faults that no single value has. A value that its attribute refuses is
/// replaced by its default here: its fault is told, and the rest can still be looked at.
/// </summary>
internal sealed class SettingsReader(
    BoundConfiguration written, IReadOnlyDictionary<string, string> environment, string? directoryInUse, List<ConfigurationFault> faults)
{
    public const string DirectoryKey = $"{NsBridgeOptions.SectionName}:{nameof(NsBridgeOptions.RuntimeDirectory)}";

    private static readonly TimeSpan s_defaultShutdownTimeout = TimeSpan.FromSeconds(5);

    public DaemonSettings Read(NsBridgeOptions options)
    {
        string runtimeDirectory = RuntimeDirectory(options.RuntimeDirectory);
        CheckLength(runtimeDirectory);
        var bridges = new List<WrittenBridge>();
        for (int i = 0; i < options.Bridges.Count; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"{NsBridgeOptions.SectionName}:{nameof(NsBridgeOptions.Bridges)}:{i}");
            var keys = new BridgeKeys(written, key);
            bridges.Add(new WrittenBridge(keys, new BridgeReader(written, keys, directoryInUse ?? runtimeDirectory, faults).Read(options.Bridges[i])));
        }

        MetricsEndpoint? metrics = null;
        if (options.Metrics.Listen is { } metricsText && MetricsEndpoint.TryParse(metricsText, out MetricsEndpoint? endpoint, out _))
            metrics = endpoint;
        var settings = new DaemonSettings
        {
            RuntimeDirectory = runtimeDirectory,
            ShutdownTimeout = ValueReader.Duration(options.ShutdownTimeout, s_defaultShutdownTimeout),
            Metrics = metrics,
            EventLoops = ValueReader.Number(options.EventLoops),
            IoUring = ValueReader.Flag(options.IoUring, true),
            Bridges = [.. bridges.Select(bridge => bridge.Settings)],
        };
        new CrossBridgeRules(written, faults).Check(settings, bridges);
        return settings;
    }

    /// <summary>What the service manager gives; null where it gives nothing. systemd writes the directories of RuntimeDirectory= with colons between them.</summary>
    public static string? GivenDirectory(IReadOnlyDictionary<string, string> environment) => environment.GetValueOrDefault("RUNTIME_DIRECTORY")?.Split(':')[0];

    private void CheckLength(string runtimeDirectory)
    {
        string control = DaemonSettings.ControlSocketIn(runtimeDirectory);
        int length = Encoding.UTF8.GetByteCount(control);
        if (length > TargetEndpoint.LongestUnixName)
        {
            faults.Add(written.Refuse(
                DirectoryKey,
                $"the path of the daemon's socket in it, {control}, is {length} bytes, and the path of a socket is at most {TargetEndpoint.LongestUnixName}; write a shorter one"));
        }
    }

    private string RuntimeDirectory(string? text)
    {
        text ??= GivenDirectory(environment);
        if (text is not { Length: > 0 } || text[0] != '/' || text.Contains('\0', StringComparison.Ordinal))
            return DaemonSettings.DefaultRuntimeDirectory;
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(text));
    }
}
