using NsBridge.Testing;

namespace NsBridge.IntegrationTests.References;

/// <summary>
/// A real Podman with storage and state of its own, rootful or of a user without privilege, and an image made from a folder: no registry,
/// no daemon. Its containers run `busybox` and end with it.
/// </summary>
internal sealed class PodmanHost : IAsyncDisposable
{
    public const string Image = "localhost/nsbridge-test:1";

    /// <summary>The user of a rootless Podman.</summary>
    public const string Person = "nobody";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // crun needs cgroup v2 alone, and a machine may mix it with v1; in a mount namespace of its own no other process sees the difference.
    private const string Prepare =
        "stat --file-system --format=%T /sys/fs/cgroup | grep -q cgroup2 || { umount --recursive /sys/fs/cgroup && mount -t cgroup2 none "
            + "/sys/fs/cgroup; }; echo ready; exec sleep 900";

    private readonly ScratchDirectory _scratch = new();
    private readonly BackgroundProcess _mounts;
    private readonly string? _user;
    private BackgroundProcess? _service;

    private PodmanHost(BackgroundProcess mounts, string? user)
    {
        _mounts = mounts;
        _user = user;
        _scratch.OpenToEveryone();
        Home = Directory.CreateDirectory(_scratch["home"]).FullName;
        Runtime = Directory.CreateDirectory(_scratch["run"]).FullName;
    }

    /// <summary>HOME.</summary>
    public string Home { get; }

    /// <summary>XDG_RUNTIME_DIR.</summary>
    public string Runtime { get; }

    /// <summary>What a program needs in its environment to find this Podman as its user's own.</summary>
    public IReadOnlyDictionary<string, string?> Environment =>
        new Dictionary<string, string?> { ["HOME"] = Home, ["XDG_RUNTIME_DIR"] = Runtime };

    /// <summary>Prepares it, and makes the image.</summary>
    public static async Task<PodmanHost> StartAsync(bool rootless)
    {
        await DebianPackages.RequireAsync("podman", "crun", "busybox-static", "uidmap");
        var mounts = BackgroundProcess.Start("unshare", ["--mount", "--propagation", "private", "sh", "-euc", Prepare]);
        var podman = new PodmanHost(mounts, rootless ? Person : null);
        try
        {
            await mounts.LineAsync(line => line == "ready", s_patience, "a mount namespace for Podman");
            await podman.MakeImageAsync();
            return podman;
        }
        catch
        {
            await podman.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a container with an echo server on port 3000 of its own network.</summary>
    public Task RunEchoAsync(string name, string network = "none") =>
        CheckAsync("run", "--detach", "--name", name, "--network", network, "--cgroups", "disabled",
            // The machine's limits, if they are below what Podman asks for.
            "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000", Image, "/bin/busybox", "nc", "-ll", "-p", "3000", "-e",
                "/bin/busybox", "cat");

    /// <summary>Runs `podman`, which must succeed.</summary>
    public async Task<string> CheckAsync(params string[] arguments)
    {
        List<string> line = Line(arguments);
        CommandResult result = await Command.RunAsync(line[0], line[1..], s_patience, Environment);
        return result.ExitCode == 0
            ? result.Output.Trim()
            : throw new InvalidOperationException(
                $"podman {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Everything.Trim()}");
    }

    /// <summary>Serves Podman's API on the socket that is a user's default.</summary>
    public async Task ServeApiAsync()
    {
        string socket = Path.Combine(Runtime, "podman", "podman.sock");
        Directory.CreateDirectory(Path.GetDirectoryName(socket)!);
        if (_user is not null)
            await Command.CheckAsync("chown", _user, Path.GetDirectoryName(socket)!);
        List<string> line = Line(["system", "service", "--time=0", $"unix://{socket}"]);
        _service = BackgroundProcess.Start(line[0], line[1..], Environment);
        await Eventually.TrueAsync(() => File.Exists(socket), s_patience, $"Podman's API: {string.Join('\n', _service.Lines)}");
    }

    /// <summary>
    /// A command that puts what follows it, run by the containers' user, into namespaces of a container without a process in between.
    /// </summary>
    public async Task<IReadOnlyList<string>> EnterAsync(string container, params string[] namespaces) =>
        ["nsenter", "--target", await CheckAsync("inspect", "--format", "{{.State.Pid}}", container), "--preserve-credentials",
            .. namespaces, "--"];

    public async ValueTask DisposeAsync()
    {
        try
        {
            await CheckAsync("rm", "--all", "--force", "--time", "0");
            // Ends the process that holds a user's namespaces between two commands.
            if (_user is not null)
                await CheckAsync("system", "migrate");
        }
        finally
        {
            _service?.Dispose();
            _mounts.Dispose();
            // Files of containers may belong to users that only their namespace knows.
            // One that has just ended may still be writing its last ones.
            await Eventually.TrueAsync(
                async () => (await Command.RunAsync("rm", ["--recursive", "--force", "--one-file-system", Home, Runtime])).ExitCode == 0,
                TimeSpan.FromSeconds(20),
                "the containers' files can be removed");
            _scratch.Dispose();
        }
    }

    private List<string> Line(IEnumerable<string> arguments)
    {
        List<string> line = ["nsenter", "--target", $"{_mounts.Id}", "--mount", "--"];
        if (_user is not null)
            line.AddRange(["setpriv", $"--reuid={_user}", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"]);
        line.AddRange(["podman", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
        // Root's default folders are different: it is given these.
        if (_user is null)
            line.AddRange(["--root", Path.Combine(Home, ".local/share/containers/storage"), "--runroot",
                Path.Combine(Runtime, "containers"), "--tmpdir", Path.Combine(Runtime, "libpod/tmp")]);
        return [.. line, .. arguments];
    }

    private async Task MakeImageAsync()
    {
        DirectoryInfo root = Directory.CreateDirectory(_scratch["image"]);
        Directory.CreateDirectory(Path.Combine(root.FullName, "bin"));
        File.Copy("/bin/busybox", Path.Combine(root.FullName, "bin/busybox"));
        await Command.CheckAsync("tar", "--directory", root.FullName, "--create", "--file", _scratch["image.tar"], ".");
        File.SetUnixFileMode(_scratch["image.tar"], UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        if (_user is not null)
            await Command.CheckAsync("chown", _user, Home, Runtime);
        File.SetUnixFileMode(Runtime, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await CheckAsync("import", _scratch["image.tar"], Image);
    }
}
