using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Doctor;

/// <summary>The doctor on a running daemon that differs from the file, or that this user may not query.</summary>
internal sealed class DoctorOfTheDaemonTests : DoctorFixture
{
    [TestCase("Target", "127.0.0.1:1")]
    [TestCase("Namespace", "host")]
    [TestCase("Socket", "/run/other.sock")]
    [TestCase("Listen", "127.0.0.1:1")]
    public async Task Doctor_OfAnEntryThatTheDaemonHasNotTaken_SaysSo(string key, string value)
    {
        Scene scene = await SceneAsync(Serve.Echo);
        BridgeEntry entry = key switch
        {
            "Target" => scene.Entry with { Target = value },
            "Namespace" => scene.Entry with { Namespace = value },
            "Socket" => scene.Entry with { Socket = value },
            _ => scene.Entry with { Listen = value },
        };

        CommandResult result = await WithFileAsync(scene, new DaemonConfig(entry));

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: daemon").And.Contain($"its {key} is ").And.Contain($"the file's is {value}").And
            .Contain("systemctl reload nsbridge"));
    }

    [Test]
    public async Task Doctor_OfABridgeWithASocketOfSystemds_TellsWhereItListens()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        (System.Net.IPEndPoint? first, System.Net.IPEndPoint? second) = (FreeEndPoint(), FreeEndPoint());
        BridgeEntry entry = Entry(space.Name, server.EndPoint) with { Listen = second.ToString() };
        DaemonProcess daemon = await LaunchAsync(new DaemonConfig(entry), HandedOver(first.Port));
        await daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "the bridge is up");

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain($"listens on {first}, which systemd handed over"));
    }

    [Test]
    public async Task Doctor_ByAUserWhoMayNotAskTheDaemon_CallsNothingBrokenAndExits77()
    {
        await using var server = TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo);
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Namespace = "host", Target = server.EndPoint.ToString() });
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);
        string file = scratch.Write("appsettings.json", scene.Daemon.ToJson(new DaemonConfig(scene.Entry)));
        await Command.CheckAsync("chmod", "-R", "a+rX", Path.GetDirectoryName(scene.Daemon.RuntimeDirectory)!);

        CommandResult result = await Command.RunAsync(
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", scratch["nsbridge"], "doctor", "--config",
                file]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Output, Does.Contain("sudo nsbridge doctor").And.Not.Contain("kill ").And.Not.Contain("BROKEN"));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Doctor_OfADaemonWhoseControlSocketWasRemoved_TellsItsLock()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        // Stopped, it cannot make it anew.
        await scene.Daemon.SignalAsync("STOP");
        File.Delete(Path.Combine(scene.Daemon.RuntimeDirectory, "control"));

        CommandResult result = await scene.Daemon.AskAsync("doctor");
        await scene.Daemon.SignalAsync("CONT");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: daemon").And.Contain("control.lock").And
            .Contain("systemctl restart nsbridge").And.Not.Contain("another nsbridge"));
    }

    /// <summary>Asks about the running daemon with another file.</summary>
    private static async Task<CommandResult> WithFileAsync(Scene scene, DaemonConfig settings)
    {
        using var scratch = new ScratchDirectory();
        return await Executable.RunAsync(["doctor", "--config", scratch.Write("appsettings.json", scene.Daemon.ToJson(settings))]);
    }

    private static DaemonLaunch HandedOver(int port) => new()
    {
        Behind =
        [
            "perl", "-MIO::Socket::INET", "-MPOSIX", "-e",
            """
            $^F = 10;
            $socket = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => shift) or die;
            POSIX::dup2(fileno($socket), 3);
            @ENV{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} = (1, $$, "web");
            exec @ARGV;
            """,
            port.ToString(CultureInfo.InvariantCulture),
        ],
    };
}
