using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Commands.Doctor;

/// <summary>Sockets that the doctor may use and the daemon may not, or sees elsewhere.</summary>
internal sealed class DaemonSightTests
{
    private const UnixFileMode Group = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private ScratchDirectory _scratch = null!;
    private Socket _server = null!;

    [SetUp]
    public void Serve()
    {
        _scratch = new ScratchDirectory();
        _scratch.OpenToEveryone();
        _server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _server.Bind(new UnixDomainSocketEndPoint(_scratch["app.sock"]));
        File.SetUnixFileMode(_scratch["app.sock"], Group);
    }

    [TearDown]
    public void Close()
    {
        _server.Dispose();
        _scratch.Dispose();
    }

    [Test]
    public async Task Target_OfAnotherGroupThanTheDaemons_IsBroken()
    {
        using BackgroundProcess daemon = await DaemonAsync("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all");

        CheckResult? link = await OwnThread.RunAsync(() => TargetCheck.Look(Target(daemon)));

        Assert.That(link?.State, Is.EqualTo(CheckState.Broken), link?.Finding);
        Assert.That(link?.Finding, Does.Contain("may not be used by the daemon's user (EACCES)"));
        Assert.That(link?.Cure, Does.Contain("SupplementaryGroups=0"));
        Assert.That(File.Exists(_scratch["app.sock"]), "whoever looked is himself again");
    }

    [Test]
    public async Task Target_OfAGroupThatTheDaemonIsIn_IsWell()
    {
        using BackgroundProcess daemon = await DaemonAsync("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=root", "--inh-caps=-all");

        Assert.That((await OwnThread.RunAsync(() => TargetCheck.Look(Target(daemon))))?.State, Is.EqualTo(CheckState.Ok));
    }

    [Test]
    public async Task Target_BelowAMountOfTheDaemonsOwn_IsBroken()
    {
        using BackgroundProcess daemon = await DaemonAsync("unshare", "--mount", "sh", "-c", $"mount -t tmpfs none {_scratch.FullName} && exec \"$@\"", "sh");

        CheckResult? link = await OwnThread.RunAsync(() => TargetCheck.Look(Target(daemon)));

        Assert.That(link?.State, Is.EqualTo(CheckState.Broken), link?.Finding);
        Assert.That(link?.Finding, Does.Contain("the daemon does not see it"));
        Assert.That(link?.Cure, Does.Contain("PrivateTmp=").And.Contain("ProtectHome="));
    }

    [Test]
    public async Task Socket_BelowAMountOfTheDaemonsOwn_IsNotCalledRemoved()
    {
        using BackgroundProcess daemon = await DaemonAsync(
            "unshare", "--mount", "sh", "-c", $"mount -t tmpfs none {_scratch.FullName} && touch {_scratch["own.sock"]} && exec \"$@\"", "sh");

        CheckResult? link = await OwnThread.RunAsync(() => SocketCheck.Look(InspectedBridge(daemon, "127.0.0.1:3000", _scratch["own.sock"])));

        Assert.That(link?.Finding, Does.Contain("only the daemon sees it").And.Not.Contain("removed"));
        Assert.That(link?.Cure, Does.Not.Contain("restart nsbridge"));
    }

    /// <summary>Stands for a daemon that was started so.</summary>
    private static async Task<BackgroundProcess> DaemonAsync(params string[] line)
    {
        var daemon = BackgroundProcess.Start(line[0], [.. line[1..], "sh", "-c", "echo ready; exec sleep 600"]);
        await daemon.LineAsync(text => text == "ready", TimeSpan.FromSeconds(20), "the daemon");
        return daemon;
    }

    private InspectedBridge Target(BackgroundProcess daemon) => InspectedBridge(daemon, $"unix:{_scratch["app.sock"]}", "/run/nsbridge/web.sock");

    private static InspectedBridge InspectedBridge(BackgroundProcess daemon, string target, string socket)
    {
        DaemonSettings settings = LoadedText.Right($""" "Name":"web", "Namespace":"host", "Target":"{target}", "Socket":"{socket}" """);
        var here = new ResolvedNamespace(NamespaceReference.Host, NetworkNamespace.Own, null, "");
        var status = BridgeStatus.Of(new BridgeReport { Name = "web", State = BridgeState.Up });
        return new InspectedBridge(settings.Bridges[0], here, here, new StatusDocument("1", daemon.Id, null, [status]), null, settings.RuntimeDirectory) { Network = NetworkNamespace.Own };
    }
}
