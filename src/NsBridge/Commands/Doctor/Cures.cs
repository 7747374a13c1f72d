namespace NsBridge.Commands.Doctor;

/// <summary>Commands of cures, each to be pasted as it is.</summary>
internal static class Cures
{
    public const string Restart = "systemctl restart nsbridge";
    public const string Log = "journalctl -u nsbridge -n 50";

    private const string Unit = "nsbridge.service";

    /// <summary>Where <c>install.sh</c> and the package put the examples.</summary>
    private static readonly string[] s_examples = ["/usr/share/doc/nsbridge/examples", "/usr/local/share/doc/nsbridge/examples"];

    /// <summary>Installs one of the example drop-ins, passed through <c>sed</c> if there is an edit.</summary>
    public static string Example(string file, string? edit = null)
    {
        string source = $"{s_examples.FirstOrDefault(folder => File.Exists($"{folder}/{file}"), s_examples[0])}/{file}";
        return Installed(Unit, edit is null ? $"cp {source} {FolderOf(Unit)}/" : $"sed '{edit}' {source} > {FolderOf(Unit)}/{file}");
    }

    /// <summary>Writes a drop-in with settings for the daemon's service.</summary>
    public static string DropIn(string file, params string[] settings) => DropInOf(Unit, file, settings);

    /// <summary>Writes a drop-in for a service, with settings below <c>[Service]</c>.</summary>
    public static string DropInOf(string unit, string file, params string[] settings) =>
        Installed(unit, $"printf '%s\\n' '[Service]' {string.Join(' ', settings.Select(Quoted))} > {FolderOf(unit)}/{file}");

    /// <summary>Adds a capability to the service.</summary>
    public static string Capability(string file, string name) =>
        DropIn(file, $"AmbientCapabilities={name}", $"CapabilityBoundingSet={name}");

    /// <summary>An argument as the shell takes it.</summary>
    public static string Quoted(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "/._-:@%+=".Contains(c))
        ? text
        : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Whether a program is installed, by the caller's <c>PATH</c> and the system's folders.</summary>
    public static bool HasProgram(string name) => $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/bin:/usr/bin:/bin"
        .Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, name)));

    private static string FolderOf(string unit) => $"/etc/systemd/system/{unit}.d";

    private static string Installed(string unit, string write) =>
        $"mkdir -p {FolderOf(unit)} && {write} && systemctl daemon-reload && systemctl restart {(unit == Unit ? "nsbridge" : unit)}";
}
