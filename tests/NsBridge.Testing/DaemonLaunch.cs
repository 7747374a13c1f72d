namespace NsBridge.Testing;

/// <summary>How a daemon under test is started, beside its configuration.</summary>
public sealed record DaemonLaunch
{
    /// <summary>RLIMIT_NOFILE, soft and hard; the machine's limit if not set.</summary>
    public int? DescriptorLimit { get; init; }

    /// <summary>The umask as octal text.</summary>
    public string? Umask { get; init; }

    /// <summary>Runs as this user and its group, without any capability.</summary>
    public string? User { get; init; }

    /// <summary>
    /// A command that ends by executing the one that follows it: for example <c>unshare --user</c>. It runs as <see cref="User"/>.
    /// </summary>
    public IReadOnlyList<string> Within { get; init; } = [];

    /// <summary>A command that is put before the whole line and runs as root.</summary>
    public IReadOnlyList<string> Behind { get; init; } = [];

    /// <summary>Added to the environment; null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The command line that starts <paramref name="executable"/> this way.</summary>
    internal List<string> CommandLine(string executable, params IEnumerable<string> arguments)
    {
        var line = new List<string>(Behind);
        if (DescriptorLimit is { } limit)
            line.AddRange(["prlimit", $"--nofile={limit}:{limit}"]);
        if (User is { } user)
            line.AddRange(["setpriv", $"--reuid={user}", $"--regid=nogroup", "--clear-groups", "--inh-caps=-all"]);
        if (Umask is { } umask)
            line.AddRange(["/bin/sh", "-c", $"umask {umask}; exec \"$@\"", "sh"]);
        return [.. line, .. Within, executable, .. arguments];
    }
}
