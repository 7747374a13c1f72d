using System.Diagnostics;

namespace NsBridge.Testing;

/// <summary>
/// Installs what the tests need beyond the .NET SDK from Debian's archive. No service of a package is started:
/// tests run their own, inside their own namespaces.
/// </summary>
public static class DebianPackages
{
    private const string PolicyFile = "/usr/sbin/policy-rc.d";
    private const UnixFileMode Executable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private static readonly TimeSpan s_installDeadline = TimeSpan.FromMinutes(6);
    private static bool s_listsAreFresh;

    /// <summary>Sees to it that all <paramref name="packages"/> are installed.</summary>
    /// <exception cref="InvalidOperationException">They are missing and could not be installed; the message names what to install by
    /// hand.</exception>
    public static async Task RequireAsync(params string[] packages)
    {
        if ((await MissingAsync(packages)).Count == 0)
            return;
        // One lock for the machine: dpkg has one too, but the policy file below must outlive exactly one installation.
        using FileLock turn = await FileLock.AcquireAsync(
            Path.Combine(Path.GetTempPath(), "nsbridge-test-packages.lock"), s_installDeadline * 2);
        List<string> missing = await MissingAsync(packages);
        if (missing.Count == 0)
            return;
        if (!Environment.IsPrivilegedProcess)
            throw new InvalidOperationException(
                $"The tests need these Debian packages; install them as root: apt-get install {string.Join(' ', missing)}");
        await InstallAsync(missing);
    }

    private static async Task<List<string>> MissingAsync(string[] packages)
    {
        var missing = new List<string>();
        foreach (string package in packages)
        {
            CommandResult query = await Command.RunAsync("dpkg-query", ["--show", "--showformat=${db:Status-Status}", package]);
            if (query.ExitCode != 0 || query.Output.Trim() != "installed")
                missing.Add(package);
        }
        return missing;
    }

    private static async Task InstallAsync(List<string> packages)
    {
        bool madePolicy = ForbidServices();
        try
        {
            var clock = Stopwatch.StartNew();
            // The package lists of an earlier run may be enough. If they are too old or missing, fetch them once and try again.
            CommandResult result = await AptAsync(["install", "--no-install-recommends", .. packages]);
            if (result.ExitCode != 0 && !s_listsAreFresh)
            {
                await AptAsync(["update"]);
                s_listsAreFresh = true;
                result = await AptAsync(["install", "--no-install-recommends", .. packages]);
            }
            if (result.ExitCode != 0)
            {
                throw new InvalidOperationException(
                    $"The tests need these Debian packages and could not install them: {string.Join(' ', packages)}. apt-get said: "
                        + $"{result.Everything.Trim()}");
            }
            await TestContext.Progress.WriteLineAsync($"Installed {string.Join(' ', packages)} in {clock.Elapsed.TotalSeconds:0} s.");
        }
        finally
        {
            if (madePolicy)
                File.Delete(PolicyFile);
        }
    }

    /// <summary>Debian's switch against starting services on installation; true if it was not set already.</summary>
    private static bool ForbidServices()
    {
        if (File.Exists(PolicyFile))
            return false;
        File.WriteAllText(PolicyFile, "#!/bin/sh\nexit 101\n");
        File.SetUnixFileMode(PolicyFile, Executable);
        return true;
    }

    private static Task<CommandResult> AptAsync(IEnumerable<string> arguments) =>
        Command.RunAsync(
            "apt-get",
            ["--yes", "--quiet", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold", .. arguments],
            s_installDeadline,
            new Dictionary<string, string?> { ["DEBIAN_FRONTEND"] = "noninteractive" });
}
