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
    /// <summary>How many files of conf.d there are in it.</summary>
    public int AddedFiles { get; init; }
    /// <summary><c>1 fault</c>, or <c>3 faults</c>.</summary>
    public string FaultCount => Faults.Count == 1 ? "1 fault" : $"{Faults.Count} faults";
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
    /// <summary>What the files were right before they were read last: a later save shows as another.</summary>
    public ConfigurationMark? Mark { get; private set; }

    /// <summary>The loader with the environment of this process. If there are two files, standard error says which one it takes.</summary>
    public static ConfigurationLoader ForProcess(string? givenFile)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        var loader = new ConfigurationLoader(givenFile, environment);
        if (ConfigurationFile.DoubtOf(loader.File, givenFile is not null) is { } doubt)
            Console.Error.WriteLine(doubt);
        return loader;
    }

    /// <param name="directoryInUse">The runtime directory that this process keeps until it ends, although the file may name another by now;
    /// sockets without a path of their own stay there.</param>
    public ConfigurationOutcome Load(string? directoryInUse = null)
    {
        var faults = new List<ConfigurationFault>();
        Mark = ConfigurationMark.Of(File);
        bool isGiven = givenFile is not null;
        byte[]? bytes = ConfigurationFile.Read(File, isGiven, faults);
        return Interpret(bytes, bytes is null ? [] : new BridgeFolder(File).Read(isGiven, faults), faults, directoryInUse);
    }

    /// <summary>What a text would give as the file, with an empty environment.</summary>
    public static ConfigurationOutcome LoadText(string file, byte[] text) =>
        new ConfigurationLoader(file, new Dictionary<string, string>()).Interpret(text, [], [], null);

    private ConfigurationOutcome Interpret(
        byte[]? bytes, List<(string File, byte[] Bytes)> added, List<ConfigurationFault> faults, string? directoryInUse)
    {
        var root = new KeyNode("", _table.Root, null, File);
        var foreign = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (bytes is not null)
            new JsonSource(File, root, foreign, faults).Read(bytes);
        // Without a readable file every key would be missing: those faults would hide the one that counts.
        bool isBroken = faults.Exists(fault => fault.Path == File);
        if (isBroken)
            root = new KeyNode("", _table.Root, null, File) { Broken = true };
        else
            ReadEnvironment(root, foreign, faults);
        KeyNode section = root.At(_table.Root.Find(KeyTable.Section)!);
        List<KeyNode> lists = [BridgesOf(root), .. added.Select(file => BridgesOf(ReadAdded(file.File, file.Bytes, faults)))];
        var reader = new SettingsReader(section, lists.SelectMany(list => list.Items.Values), environment, directoryInUse, faults);
        DaemonSettings settings = reader.Read();
        if (!isBroken)
            settings = settings with { Logging = new LoggingRules(environment, faults).Read(foreign) };
        if (faults.Count == 0)
        {
            return new ConfigurationOutcome(File, settings, [], settings.RuntimeDirectory)
            {
                DirectoryAsGiven = reader.DirectoryAsGiven,
                AddedFiles = added.Count,
            };
        }
        ConfigurationFault[] inOrder =
        [
            .. faults.Select(fault => fault with { File = fault.File == File ? null : fault.File, Bridge = NameOf(fault, lists) })
                .OrderBy(fault => fault.File, StringComparer.Ordinal).ThenBy(fault => fault.Path, ConfigurationKeyComparer.Instance),
        ];
        bool isDirectoryWrong = inOrder.Any(fault => fault.File is null && fault.Path == section.At(DaemonKeys.RuntimeDirectory).Path);
        string? directory = isBroken ? DirectoryOfBroken(bytes) : isDirectoryWrong ? null : settings.RuntimeDirectory;
        return new ConfigurationOutcome(File, null, inOrder, directory);
    }

    private void ReadEnvironment(KeyNode root, Dictionary<string, string?> foreign, List<ConfigurationFault> faults)
    {
        new EnvironmentSource(root, foreign, faults).Read(environment);
        if (!root.Has(KeyTable.Section))
            faults.Add(FaultOfNoSection(File));
    }

    private static ConfigurationFault FaultOfNoSection(string file) =>
        new(KeyTable.Section, null, "the section is missing; bridges stand in { \"NsBridge\": { \"Bridges\": [ … ] } }")
        {
            File = file,
        };

    /// <summary>The whole of a file of conf.d; nothing if it is no JSON.</summary>
    private KeyNode ReadAdded(string file, byte[] bytes, List<ConfigurationFault> faults)
    {
        var root = new KeyNode("", _table.Root, null, file);
        var own = new List<ConfigurationFault>();
        new JsonSource(file, root, [], own) { Configuration = File }.Read(bytes);
        if (own.Exists(fault => fault.Path == file))
            root = new KeyNode("", _table.Root, null, file) { Broken = true };
        else if (!root.Has(KeyTable.Section))
            own.Add(FaultOfNoSection(file));
        faults.AddRange(own.Select(fault => fault with { File = file }));
        return root;
    }

    private static KeyNode BridgesOf(KeyNode root)
    {
        KeyNode section = root.At(root.Key.Find(KeyTable.Section)!);
        return section.At(section.Key.Find(KeyTable.Bridges)!);
    }

    /// <summary>The name of the bridge that a fault is of; null if it has none, or if the name itself is at fault.</summary>
    private string? NameOf(ConfigurationFault fault, List<KeyNode> lists)
    {
        if (lists.Find(list => list.File == (fault.File ?? File)) is not { } bridges)
            return null;
        string[] keys = fault.Path.Split(':');
        bool isOfBridge = fault.Path.StartsWith($"{bridges.Path}:", StringComparison.Ordinal)
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
