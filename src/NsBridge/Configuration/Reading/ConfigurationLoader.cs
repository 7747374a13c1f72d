using Microsoft.Extensions.Configuration;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// Reads the file and the environment, and gives settings or every fault at once. Each call of <see cref="Load"/> reads afresh:
/// a reload is one more call.
/// </summary>
/// <param name="givenFile">What <c>--config</c> named; null looks in the working directory, then in /etc/nsbridge.</param>
/// <param name="environment">The environment's variables.</param>
internal sealed class ConfigurationLoader(string? givenFile, IReadOnlyDictionary<string, string> environment)
{
    /// <summary>The file's full path, chosen once: a reload does not wander to another file.</summary>
    public string File { get; } = ConfigurationFile.Choose(givenFile);

    /// <summary>What the file was right before it was read last: a save that came since shows as another.</summary>
    public FileMark Mark { get; private set; }

    /// <summary>The loader with the environment of this process.</summary>
    public static ConfigurationLoader ForProcess(string? givenFile)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        return new ConfigurationLoader(givenFile, environment);
    }

    /// <param name="directoryInUse">The runtime directory that this process keeps until it ends, where the file may name another one by now;
    /// sockets without a path of their own stay there.</param>
    public ConfigurationOutcome Load(string? directoryInUse = null)
    {
        var faults = new List<ConfigurationFault>();
        Mark = FileMark.Of(File);
        byte[]? bytes = ConfigurationFile.Read(File, givenFile is not null, faults);
        return Interpret(bytes, faults, directoryInUse);
    }

    /// <summary>What a text would give as the file, were it saved there and the environment silent.</summary>
    public static ConfigurationOutcome LoadText(string file, byte[] text) => new ConfigurationLoader(file, new Dictionary<string, string>()).Interpret(text, [], null);

    private ConfigurationOutcome Interpret(byte[]? bytes, List<ConfigurationFault> faults, string? directoryInUse)
    {
        var root = new KeyNode("", KeySchema.Root);
        var foreign = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (bytes is not null)
            new JsonSource(File, root, foreign, faults).Read(bytes);

        // Without a readable file every key would be missing: those faults would only hide the one that counts.
        if (faults.Exists(fault => fault.Path == File))
            return new ConfigurationOutcome(File, null, null, faults, DirectoryOfBroken(bytes));

        new EnvironmentSource(root, foreign, faults).Read(environment);
        if (!root.Keys.ContainsKey(NsBridgeOptions.SectionName))
            faults.Add(new ConfigurationFault(NsBridgeOptions.SectionName, null, "the section is missing; bridges stand in { \"NsBridge\": { \"Bridges\": [ … ] } }"));

        var written = new BoundConfiguration(root, foreign);
        var options = new NsBridgeOptions();
        written.Section.Bind(options);
        faults.AddRange(AttributeFaults.Find(options, written));
        DaemonSettings settings = new SettingsReader(written, environment, directoryInUse, faults).Read(options) with
        {
            Logging = new LoggingRules(environment, faults).Read(foreign),
        };
        if (faults.Count == 0)
            return new ConfigurationOutcome(File, settings, written.Root, [], settings.RuntimeDirectory);
        ConfigurationFault[] inOrder = faults.OrderBy(fault => fault.Path, ConfigurationKeyComparer.Instance).ToArray();
        return new ConfigurationOutcome(File, null, null, inOrder, faults.Exists(fault => fault.Path == written.PathOf(SettingsReader.DirectoryKey)) ? null : settings.RuntimeDirectory);
    }

    /// <summary>The directory of a daemon whose file cannot be read as a whole: what the environment says, or what the file says before it breaks.</summary>
    private string? DirectoryOfBroken(byte[]? bytes)
    {
        KeyValuePair<string, string> variable = environment.FirstOrDefault(entry => entry.Key.Replace("__", ":", StringComparison.Ordinal).Equals(SettingsReader.DirectoryKey, StringComparison.OrdinalIgnoreCase));
        string? directory = variable.Value ?? (bytes is null ? null : BrokenJson.RuntimeDirectory(bytes)) ?? SettingsReader.GivenDirectory(environment);
        return directory is ['/', ..] ? Path.TrimEndingDirectorySeparator(directory) : null;
    }
}
