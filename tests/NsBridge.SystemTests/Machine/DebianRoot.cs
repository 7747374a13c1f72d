using System.Security.Cryptography;
using System.Text;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Machine;

/// <summary>
/// A minimal Debian with systemd, made once and kept between runs; containers lay a throw-away layer over it and never change it.
/// </summary>
internal static class DebianRoot
{
    private const string Cache = "/var/cache/nsbridge-tests";
    private static readonly TimeSpan s_buildDeadline = TimeSpan.FromMinutes(9);
    private static readonly Lazy<Task<string>> s_made = new(MakeAsync);

    /// <summary>What the tests run inside: managers of the machine and of users, machines, `ip netns`, and peers to talk to.</summary>
    private static readonly string[] s_packages =
    [
        "systemd", "systemd-sysv", "dbus", "libpam-systemd", "dbus-user-session", "systemd-container", "iproute2", "procps", "python3",
        "socat", "bash-completion",
    ];

    /// <summary>Quiet: a machine that is tested does not start updates of its own.</summary>
    private static readonly string[] s_masked =
    [
        "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
        "systemd-tmpfiles-clean.timer", "console-getty.service", "systemd-networkd-wait-online.service",
    ];

    /// <summary>The root's folder; the first call creates it if necessary, in a minute or two.</summary>
    /// <exception cref="InvalidOperationException">debootstrap failed; the message contains its output.</exception>
    public static Task<string> PathAsync() => s_made.Value;

    private static async Task<string> MakeAsync()
    {
        await DebianPackages.RequireAsync("systemd-container", "debootstrap", "debian-archive-keyring");
        string suite = await SuiteAsync();
        string root = Path.Combine(Cache, $"root-{suite}-{Fingerprint()}");
        using FileLock turn = await FileLock.AcquireAsync(Path.Combine(Cache, "root.lock"), s_buildDeadline * 2);
        if (Directory.Exists(root))
            return root;

        (string? site, bool trusted) = await ArchiveAsync(suite);
        string unfinished = root + ".new";
        await Command.CheckAsync("rm", "--recursive", "--force", "--one-file-system", unfinished);
        List<string> arguments = ["--variant=minbase", $"--include={string.Join(',', s_packages)}", suite, unfinished, site];
        if (trusted)
            arguments.Insert(0, "--no-check-gpg");
        // It mounts /proc and /sys in the new root; in a mount namespace of its own they cannot outlive it, however it ends.
        CommandResult result = await Command.RunAsync("unshare", ["--mount", "debootstrap", .. arguments], s_buildDeadline);
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"debootstrap failed with {result.ExitCode}: {result.Everything}");

        foreach (string unit in s_masked)
            File.CreateSymbolicLink(Path.Combine(unfinished, "etc/systemd/system", unit), "/dev/null");
        foreach (string archive in Directory.EnumerateFiles(Path.Combine(unfinished, "var/cache/apt/archives"), "*.deb"))
            File.Delete(archive);
        // Appears whole or not at all.
        Directory.Move(unfinished, root);
        return root;
    }

    private static string Fingerprint() =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [.. s_packages, .. s_masked]))))[..12];

    private static async Task<string> SuiteAsync()
    {
        string[] lines = await File.ReadAllLinesAsync("/etc/os-release");
        return lines.FirstOrDefault(line => line.StartsWith("VERSION_CODENAME=", StringComparison.Ordinal))?.Split('=')[1].Trim('"')
            ?? throw new InvalidOperationException("/etc/os-release tells no VERSION_CODENAME: these tests need Debian.");
    }

    /// <summary>The address from which this machine's apt gets the suite, and whether it trusts it without a signature.</summary>
    private static async Task<(string Site, bool Trusted)> ArchiveAsync(string suite)
    {
        string targets = await Command.CheckAsync(
            "apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(TRUSTED) $(SITE)", "Created-By: Packages");
        foreach (string target in targets.Split('\n'))
        {
            if (target.Split(' ', 4) is [var release, "main", var trusted, var site] && release == suite)
                return (site, trusted == "yes");
        }

        throw new InvalidOperationException($"apt knows no archive with the main part of {suite}, so no Debian root can be made from it.");
    }
}
