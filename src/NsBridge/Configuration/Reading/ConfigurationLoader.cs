using Microsoft.Extensions.Configuration;
using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;

namespace NsBridge.Configuration.Reading;

/// <summary>What loading gave: settings, or every fault there is; never both.</summary>
/// <param name="File">The file that was read, a full path.</param>
/// <param name="Settings">Null exactly if <paramref name="Faults"/> is not empty.</param>
/// <param name="Faults">Ordered by path.</param>
/// <param name="RuntimeDirectory">Also with faults, if it is known; else null.</param>
internal sealed record ConfigurationOutcome(
    string File, DaemonSettings? Settings, IReadOnlyList<ConfigurationFault> Faults, string? RuntimeDirectory)
{
    /// <summary>The runtime directory as the file, the environment or the service manager gives it, unchecked.</summary>
    public string DirectoryAsGiven { get; init; } = DaemonKeys.DefaultRuntimeDirectory;
    /// <summary>All faults, one a line.</summary>
    public string FaultText => string.Join(Environment.NewLine, Faults);
    /// <summary>The outcome itself, for a command to which faults do not matter.</summary>
    /// <exception cref="UserErrorException">Somebody else decides what the configuration says.</exception>
    public ConfigurationOutcome Trusted() => !Faults.Any(fault => fault.IsDistrust) ? this
        : throw new UserErrorException(FaultText, ExitCode.Configuration);
    /// <exception cref="UserErrorException">There are faults; it names them all.</exception>
    public DaemonSettings SettingsOrFault() => Settings ?? throw new UserErrorException(FaultText, ExitCode.Configuration);
}

/// <summary>Reads the file and the environment, and gives settings or every fault at once. Each call of <see cref="Load"/> reads afresh: a
/// reload is one more call.</summary>
/// <param name="givenFile">What <c>--config</c> names; null: the file in the working directory, else the one in /etc/nsbridge.</param>
/// <param name="environment">The environment's variables.</param>
/// <param name="table">The keys there are; null: those of nsbridge.</param>
internal sealed class ConfigurationLoader(string? givenFile, IReadOnlyDictionary<string, string> environment, KeyTable? table = null)
{
    private readonly KeyTable _table = table ?? KeyTable.Default;
    /// <summary>The file's full path, chosen once: a reload does not wander to another file.</summary>
    public string File { get; } = ConfigurationFile.Choose(givenFile);
    /// <summary>What the file was right before it was read last: a later save shows as another.</summary>
    public FileMark Mark { get; private set; }

    /// <summary>The loader with the environment of this process.</summary>
    public static ConfigurationLoader ForProcess(string? givenFile)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        return new ConfigurationLoader(givenFile, environment);
    }

    /// <param name="directoryInUse">The runtime directory that this process keeps until it ends, although the file may name another by now;
    /// sockets without a path of their own stay there.</param>
    public ConfigurationOutcome Load(string? directoryInUse = null)
    {
        var faults = new List<ConfigurationFault>();
        Mark = FileMark.Of(File);
        byte[]? bytes = ConfigurationFile.Read(File, givenFile is not null, faults);
        return Interpret(bytes, faults, directoryInUse);
    }

    /// <summary>What a text would give as the file, with an empty environment.</summary>
    public static ConfigurationOutcome LoadText(string file, byte[] text) =>
        new ConfigurationLoader(file, new Dictionary<string, string>()).Interpret(text, [], null);

    private ConfigurationOutcome Interpret(byte[]? bytes, List<ConfigurationFault> faults, string? directoryInUse)
    {
        var root = new KeyNode("", _table.Root, null);
        var foreign = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (bytes is not null)
            new JsonSource(File, root, foreign, faults).Read(bytes);
        // Without a readable file every key would be missing: those faults would hide the one that counts.
        if (faults.Exists(fault => fault.Path == File))
            return new ConfigurationOutcome(File, null, faults, DirectoryOfBroken(bytes));
        new EnvironmentSource(root, foreign, faults).Read(environment);
        if (!root.Has(KeyTable.Section))
        {
            faults.Add(new ConfigurationFault(
                KeyTable.Section, null, "the section is missing; bridges stand in { \"NsBridge\": { \"Bridges\": [ … ] } }"));
        }
        KeyNode section = root.At(_table.Root.Find(KeyTable.Section)!);
        var reader = new SettingsReader(section, environment, directoryInUse, faults);
        DaemonSettings settings = reader.Read() with { Logging = new LoggingRules(environment, faults).Read(foreign) };
        if (faults.Count == 0)
            return new ConfigurationOutcome(File, settings, [], settings.RuntimeDirectory) { DirectoryAsGiven = reader.DirectoryAsGiven };
        bool isDirectoryWrong = faults.Exists(fault => fault.Path == section.At(DaemonKeys.RuntimeDirectory).Path);
        KeyNode bridges = section.At(section.Key.Find(KeyTable.Bridges)!);
        IEnumerable<ConfigurationFault> inOrder = faults.OrderBy(fault => fault.Path, ConfigurationKeyComparer.Instance)
            .Select(fault => fault with { Bridge = NameOf(fault.Path, bridges) });
        return new ConfigurationOutcome(File, null, [.. inOrder], isDirectoryWrong ? null : settings.RuntimeDirectory);
    }

    /// <summary>The name of the bridge that a fault is of; null if it has none, or if the name itself is at fault.</summary>
    private static string? NameOf(string path, KeyNode bridges)
    {
        string[] keys = path.Split(':');
        bool isOfBridge = path.StartsWith($"{bridges.Path}:", StringComparison.Ordinal)
            && keys.ElementAtOrDefault(3) != BridgeKeys.Name.Name;
        return isOfBridge && int.TryParse(keys[2], out int number) && bridges.Items.TryGetValue(number, out KeyNode? node)
            && node.At(BridgeKeys.Name).Value is { Length: > 0 } name ? name : null;
    }

    /// <summary>The directory of a daemon with an unreadable file, from the environment or from the file before it breaks.</summary>
    private string? DirectoryOfBroken(byte[]? bytes)
    {
        const string Key = $"{KeyTable.Section}:{nameof(DaemonKeys.RuntimeDirectory)}";
        string? variable = environment.FirstOrDefault(
            entry => entry.Key.Replace("__", ":", StringComparison.Ordinal).Equals(Key, StringComparison.OrdinalIgnoreCase)).Value;
        string? directory = variable
            ?? (bytes is null ? null : JsonSource.DirectoryBeforeBreak(bytes))
            ?? (SettingsReader.GivenDirectory(environment) is { } given && FileTrust.FaultOf(given) is null ? given : null);
        return directory is ['/', ..] ? Path.TrimEndingDirectorySeparator(directory) : null;
    }
}
