using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Machine;

/// <summary>
/// A machine of its own for a test: systemd as process 1 over <see cref="DebianRoot"/>, with a network of its own and every capability.
/// What it writes is kept in memory and gone when it stops.
/// </summary>
internal sealed class SystemdContainer : IAsyncDisposable
{
    /// <summary>The mount point of the host's folder that <see cref="StartAsync"/> is given.</summary>
    public const string SharedFolder = "/srv/shared";

    /// <summary>Script: makes a package of the same content with a higher version. Compressing it would take most of the time.</summary>
    public const string BuildUpgrade = $"""
        rm -rf /tmp/next
        dpkg-deb --raw-extract {SharedFolder}/nsbridge_*.deb /tmp/next
        sed -i 's/^Version: .*/Version: 999.0/' /tmp/next/DEBIAN/control
        dpkg-deb -Znone --build /tmp/next /tmp/next.deb

        """;

    /// <summary>Script: installs it.</summary>
    public const string InstallUpgrade = "dpkg --install /tmp/next.deb";

    private static readonly TimeSpan s_bootDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stopDeadline = TimeSpan.FromSeconds(30);

    private readonly BackgroundProcess _nspawn;
    private readonly int _leader;

    private SystemdContainer(BackgroundProcess nspawn, int leader)
    {
        _nspawn = nspawn;
        _leader = leader;
    }

    /// <summary>Boots, and returns when the manager has started everything it wants to.</summary>
    /// <param name="shared">A folder of the host, to be seen read-only at <see cref="SharedFolder"/>.</param>
    /// <exception cref="TimeoutException">It was not up within a minute; the message carries its console.</exception>
    public static async Task<SystemdContainer> StartAsync(string shared)
    {
        string root = await DebianRoot.PathAsync();
        var nspawn = BackgroundProcess.Start(
            "systemd-nspawn",
            [
                "--quiet", $"--directory={root}", "--volatile=overlay", $"--machine=nsbridge-{Guid.NewGuid():N}",
                $"--bind-ro={shared}:{SharedFolder}",
                "--boot", "--register=no", "--keep-unit", "--private-network", "--capability=all", "--console=pipe",
            ]);
        try
        {
            // nspawn's first child only prepares the one that becomes process 1, so the search goes on until a manager answers.
            SystemdContainer? container = null;
            await Eventually.TrueAsync(
                async () => TryFindChild(nspawn, out int child) && await (container = new SystemdContainer(nspawn, child)).IsUpAsync(),
                s_bootDeadline,
                () => "the container's manager is up:\n" + string.Join('\n', nspawn.Lines));
            return container!;
        }
        catch
        {
            nspawn.Dispose();
            throw;
        }
    }

    /// <summary>The path on the host of a file inside.</summary>
    public string this[string path] => $"/proc/{_leader}/root{path}";

    /// <summary>Runs a shell script inside, to its end.</summary>
    public Task<CommandResult> RunAsync(string script, TimeSpan? deadline = null) => Command.RunAsync("nsenter", Inside(script), deadline);

    /// <summary>Runs a shell script inside that must succeed, and returns what it printed.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message carries what it wrote and the end of the journal.</exception>
    public async Task<string> CheckAsync(string script, TimeSpan? deadline = null)
    {
        CommandResult result = await RunAsync(script, deadline);
        if (result.ExitCode == 0)
            return result.Output;
        CommandResult journal = await RunAsync("journalctl --no-pager --lines=60 --output=short-monotonic");
        throw new InvalidOperationException(
            $"'{script}' ended with {result.ExitCode}: {result.Everything.Trim()}\n-- journal --\n{journal.Output}");
    }

    /// <summary>Whether a shell script succeeds inside.</summary>
    public async Task<bool> HoldsAsync(string script) => (await RunAsync(script)).ExitCode == 0;

    /// <summary>Waits until a shell script succeeds inside.</summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> EventuallyAsync(string script, TimeSpan deadline) =>
        Eventually.TrueAsync(() => HoldsAsync(script), deadline, () =>
            $"{script}\n-- journal --\n{RunAsync("journalctl --no-pager --lines=60").Result.Output}");

    /// <summary>Starts a shell script inside and leaves it running.</summary>
    public BackgroundProcess Start(string script) => BackgroundProcess.Start("nsenter", Inside(script));

    /// <summary>Writes a file inside, in place of what was there.</summary>
    public Task WriteAsync(string path, string content) => File.WriteAllTextAsync(this[path], content);

    public async ValueTask DisposeAsync()
    {
        try
        {
            // nspawn passes it on as the request to halt.
            await _nspawn.SignalAsync("TERM");
            await _nspawn.ExitAsync(s_stopDeadline);
        }
        finally
        {
            _nspawn.Dispose();
        }
    }

    /// <summary>"degraded" is up as well: a unit that cannot work in a container is none of ours.</summary>
    private async Task<bool> IsUpAsync() => (await RunAsync("systemctl is-system-running")).Output.Trim() is "running" or "degraded";

    private string[] Inside(string script) =>
    [
        $"--target={_leader.ToString(CultureInfo.InvariantCulture)}", "--all",
        "env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "SYSTEMD_PAGER=",
        "SYSTEMD_COLORS=0",
        "DEBIAN_FRONTEND=noninteractive", "sh", "-euc", script,
    ];

    private static bool TryFindChild(BackgroundProcess parent, out int child)
    {
        child = 0;
        if (parent.HasExited)
            throw new InvalidOperationException("systemd-nspawn ended: " + string.Join('\n', parent.Lines));
        string[] children = File.ReadAllText($"/proc/{parent.Id}/task/{parent.Id}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return children.Length > 0 && int.TryParse(children[0], NumberStyles.None, CultureInfo.InvariantCulture, out child);
    }
}
