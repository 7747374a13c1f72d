using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.IntegrationTests.Commands.Discover;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Doctor;

/// <summary>The doctor on staged faults, each made with real things: it names the broken link, and what to do.</summary>
internal sealed class DoctorTests : DoctorFixture
{
    [Test]
    public async Task Doctor_OfAServingBridge_FindsEveryLinkWell()
    {
        Scene scene = await SceneAsync(Serve.Echo);

        CommandResult result = await scene.Daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("web is well").And.Contain("listener").And.Contain("answer").And.Not.Contain("BROKEN"));
    }

    [Test]
    public async Task Doctor_WithoutADaemon_FindsOnlyThatMissing()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);

        await FindsAsync(Entry(space.Name, server.EndPoint), "daemon", "no daemon is running");
    }

    [Test]
    public async Task Doctor_WithoutBridges_FindsNothingBroken()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", new DaemonConfig { RuntimeDirectory = scratch["run"] }.ToJson());

        CommandResult result = await Executable.RunAsync(["doctor", "--config", file]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain($"{file} has no bridges").And.Contain("nsbridge discover"));
    }

    [Test]
    public async Task Doctor_OfAWrongConfiguration_TellsItsFaults()
    {
        CommandResult result = await DoctorAsync(new BridgeEntry("web") { Listen = "127.0.0.1:99999", Namespace = "x", Target = "127.0.0.1:1" });

        Assert.That(result.ExitCode, Is.EqualTo(78), result.Everything);
        Assert.That(result.Output, Does.Contain("NsBridge:Bridges:0:Listen"));
    }

    [Test]
    public async Task Doctor_OfATakenPort_NamesWhoHasIt()
    {
        await using var other = TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo);
        BridgeEntry entry = Entry("vpn") with { Listen = other.EndPoint.ToString() };

        await FindsAsync(entry, "listener", string.Create(CultureInfo.InvariantCulture, $"(pid {Environment.ProcessId}"));
    }

    [Test]
    public async Task Doctor_OfAnAddressThatTheHostLacks_SaysSo() =>
        await FindsAsync(Entry("vpn") with { Listen = $"198.51.100.7:{HostSockets.FreePort()}" }, "listener", "no address 198.51.100.7");

    [Test]
    public async Task Doctor_OfAMissingNamespace_NamesIt()
    {
        TestNamespace space = await ReserveNamespaceAsync();

        await FindsAsync(Entry(space.Name), "namespace", $"ip netns add {space.Name}");
    }

    [Test]
    public async Task Doctor_OfAPlainFile_SaysThatItIsNoNamespace()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        await File.WriteAllTextAsync(space.FilePath, "");

        await FindsAsync(Entry(space.Name), "namespace", "plain file");
    }

    [Test]
    public async Task Doctor_OfANamespaceOfAnotherKind_SaysSo() =>
        await FindsAsync(Entry("/proc/self/ns/uts"), "namespace", "another kind");

    [Test]
    public async Task Doctor_OfAReferenceThatLeadsHome_SaysSo() =>
        await FindsAsync(Entry("/proc/self/ns/net"), "namespace", "\"host\"");

    [Test]
    public async Task Doctor_OfAProcessThatIsNotThere_SaysSo() =>
        await FindsAsync(Entry("pid:4194303"), "namespace", "4194303");

    [Test]
    public async Task Doctor_WithoutPrivilege_NamesTheCapabilityAndExits77()
    {
        TestNamespace space = await NamespaceAsync();
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);
        string file = scratch.Write("appsettings.json", new DaemonConfig(Entry(space.Name)) { RuntimeDirectory = scratch["run"] }.ToJson());

        CommandResult result = await Command.RunAsync(
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", scratch["nsbridge"], "doctor", "--config", file]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Output, Does.Contain("?       namespace").And.Contain("CAP_SYS_ADMIN").And.Contain("sudo nsbridge doctor web").And.Contain("could not be checked by this user"));
    }

    [Test]
    public async Task Doctor_OfAHealthyBridgeWithoutPrivilege_CallsNothingBroken()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);
        string file = scratch.Write("appsettings.json", scene.Daemon.ToJson(new DaemonConfig(scene.Entry)));
        await Command.CheckAsync("chmod", "-R", "a+rX", Path.GetDirectoryName(scene.Daemon.RuntimeDirectory)!);

        CommandResult result = await Command.RunAsync(
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", scratch["nsbridge"], "doctor", "--json", "--config", file]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        JsonElement bridge = JsonDocument.Parse(result.Output).RootElement.GetProperty("bridges")[0];
        Assert.That(bridge.GetProperty("result").GetString(), Is.EqualTo("unknown"));
        Assert.That(bridge.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("state").GetString()), Has.None.EqualTo("broken"));
    }

    [Test]
    public async Task Doctor_OfTheSamePortOutsideAndNothingInside_DoesNotBlameTheDaemon()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = entry.Target });
        await scene.Server.DisposeAsync();

        CommandResult result = await scene.Daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: target").And.Contain($"nsenter --net={scene.Namespace.FilePath} ").And.Not.Contain("of the host"));
    }

    [Test]
    public async Task Doctor_WithoutSourcePorts_NamesTheirRange()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        await space.RunAsync("sh", "-c", "echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range");
        using Socket first = await space.DialAsync((IPEndPoint)server.EndPoint);
        using Socket second = await space.DialAsync((IPEndPoint)server.EndPoint);

        await FindsAsync(
            Entry(space.Name, server.EndPoint), "answer", $"nsenter --net={space.FilePath} sysctl -w net.ipv4.ip_local_port_range='1024 65535'  # now 40000 40001");
    }

    [Test]
    public async Task Doctor_InJson_TellsWhatTheTextDoes()
    {
        TestNamespace space = await NamespaceAsync();
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", new DaemonConfig(Entry(space.Name)) { RuntimeDirectory = scratch["run"] }.ToJson());

        CommandResult result = await Executable.RunAsync(["doctor", "--json", "--config", file]);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        JsonElement document = JsonDocument.Parse(result.Output).RootElement;
        JsonElement last = document.GetProperty("bridges")[0].GetProperty("checks").EnumerateArray().Last();
        Assert.Multiple(() =>
        {
            Assert.That(document.GetProperty("configuration").GetString(), Is.EqualTo(file));
            Assert.That(document.GetProperty("faults").GetArrayLength(), Is.Zero);
            Assert.That(document.GetProperty("bridges")[0].GetProperty("name").GetString(), Is.EqualTo("web"));
            Assert.That(document.GetProperty("bridges")[0].GetProperty("result").GetString(), Is.EqualTo("broken"));
            Assert.That(last.GetProperty("name").GetString(), Is.EqualTo("target"));
            Assert.That(last.GetProperty("state").GetString(), Is.EqualTo("broken"));
            Assert.That(last.GetProperty("finding").GetString(), Does.Contain("nothing listens on 127.0.0.1:3000"));
            Assert.That(last.GetProperty("cure").GetString(), Does.StartWith($"nsenter --net={space.FilePath} "));
        });
    }

    [Test]
    public async Task Doctor_OfAWrongConfigurationInJson_ListsItsFaults()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", new DaemonConfig(Entry("x") with { Listen = "127.0.0.1:99999" }).ToJson());

        CommandResult result = await Executable.RunAsync(["doctor", "--json", "--config", file]);

        Assert.That(result.ExitCode, Is.EqualTo(78), result.Everything);
        JsonElement fault = JsonDocument.Parse(result.Output).RootElement.GetProperty("faults")[0];
        Assert.That(fault.GetProperty("path").GetString(), Is.EqualTo("NsBridge:Bridges:0:Listen"));
        Assert.That(fault.GetProperty("value").GetString(), Is.EqualTo("127.0.0.1:99999"));
    }

    [Test]
    public async Task Doctor_ByAUserWhoMayNotListTheNamespaces_StillSaysThatOneIsMissing()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", new DaemonConfig(Entry("gone")) { RuntimeDirectory = scratch["run"] }.ToJson());

        CommandResult result = await PrivateNames.RunAsNobodyAsync(scratch, "711", "doctor", "--config", file);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: namespace").And.Contain("ip netns add gone"));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Doctor_WithLoDown_SaysHowToTakeItUp()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        await space.AddAsync(loopbackUp: false);

        await FindsAsync(Entry(space.Name), "lo", $"ip -n {space.Name} link set lo up");
    }

    [Test]
    public async Task Doctor_WithoutARoute_SaysSo()
    {
        TestNamespace space = await NamespaceAsync();

        await FindsAsync(Entry(space.Name) with { Target = "198.51.100.7:80" }, "route", "no route to 198.51.100.7");
    }

    [Test]
    public async Task Doctor_OfAnEmptyNamespace_SaysThatNothingListens()
    {
        TestNamespace space = await NamespaceAsync();

        await FindsAsync(Entry(space.Name), "target", "nothing listens on 127.0.0.1:3000");
    }

    [Test]
    public async Task Doctor_OfAServerOnIpv6Alone_SaysSo()
    {
        TestNamespace space = await NamespaceAsync();
        Own(TargetServer.Start(space.Listen(new IPEndPoint(IPAddress.IPv6Loopback, 3000)), Serve.Echo));

        await FindsAsync(Entry(space.Name), "target", "listens on [::1]:3000 only");
    }

    [Test]
    public async Task Doctor_OfAServerOnAnotherAddress_SaysWhich()
    {
        TestNamespace space = await NamespaceAsync();
        await space.IpAsync("address", "add", "10.2.0.2/32", "dev", "lo");
        Own(TargetServer.Start(space.Listen(new IPEndPoint(IPAddress.Parse("10.2.0.2"), 3000)), Serve.Echo));

        await FindsAsync(Entry(space.Name), "target", "listens on 10.2.0.2:3000 only");
    }

    [Test]
    public async Task Doctor_OfAServerOnAnotherPort_TellsIt()
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo, 8080);

        await FindsAsync(Entry(space.Name), "target", "127.0.0.1:8080");
    }

    [Test]
    public async Task Doctor_OfAServerOnTheHost_SaysThatItIsOutside()
    {
        TestNamespace space = await NamespaceAsync();
        await using var other = TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo);

        await FindsAsync(Entry(space.Name, other.EndPoint), "target", "of the host");
    }

    [Test]
    public async Task Doctor_OfAServerThatAcceptsNoMore_SaysThatItDoesNotAnswer()
    {
        TestNamespace space = await NamespaceAsync();
        using Socket listener = space.Listen(new IPEndPoint(IPAddress.Loopback, 0), backlog: 0);
        using Socket first = await space.DialAsync((IPEndPoint)listener.LocalEndPoint!);

        await FindsAsync(Entry(space.Name, listener.LocalEndPoint!) with { ConnectTimeout = TimeSpan.FromSeconds(1) }, "answer", "backlog");
    }

    [Test]
    public async Task Doctor_OfAMissingUnixTarget_SaysSo() =>
        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = "unix:/nonexistent/app.sock" }, "target", "there is no /nonexistent/app.sock");

    [Test]
    public async Task Doctor_OfAUnixTargetThatIsAFile_SaysSo()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("app.sock", "");

        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = $"unix:{file}" }, "target", "is no socket");
    }

    [Test]
    public async Task Doctor_OfAUnixTargetThatIsALinkToNothing_SaysWhatIsMissing()
    {
        using var scratch = new ScratchDirectory();
        FileSystemInfo link = File.CreateSymbolicLink(scratch["app.sock"], scratch["gone.sock"]);

        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = $"unix:{link.FullName}" }, "target", $"there is no {scratch["gone.sock"]}");
    }

    [Test]
    public async Task Doctor_OfAUnixTargetThatIsALinkToItself_SaysSo()
    {
        using var scratch = new ScratchDirectory();
        FileSystemInfo link = File.CreateSymbolicLink(scratch["app.sock"], "app.sock");

        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = $"unix:{link.FullName}" }, "target", "leads nowhere");
    }

    [Test]
    public async Task Doctor_OfAUnixTargetWithoutAListener_BlamesNoFirewall()
    {
        using var scratch = new ScratchDirectory();
        using var deaf = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        deaf.Bind(new UnixDomainSocketEndPoint(scratch["app.sock"]));

        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = $"unix:{scratch["app.sock"]}" }, "answer", "has no listener");
    }

    [Test]
    public async Task Doctor_OfAMissingAbstractTarget_SaysSo() =>
        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = "unix:@app" }, "target", "nothing listens on unix:@app");

    [Test]
    public async Task Doctor_OfAnOuterHalfWithoutItsSocket_SaysSo() =>
        await FindsAsync(
            new BridgeEntry("web") { Listen = FreeEndPoint().ToString(), Socket = "/nonexistent/web.sock" }, "socket", "there is no /nonexistent/web.sock");

    [Test]
    public async Task Doctor_OfASocketWithoutADirectory_SaysSo() =>
        await FindsAsync(Entry("host") with { Socket = "/nonexistent/web.sock" }, "socket", "mkdir -p /nonexistent");

    [Test]
    public async Task Doctor_OfAPlainFileInTheSocketsPlace_SaysSo()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("web.sock", "");

        await FindsAsync(Entry("host") with { Socket = file }, "socket", $"{file} is no socket");
    }

    [Test]
    public async Task Doctor_OfAChangedSocketMode_SaysSo()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        File.SetUnixFileMode(scene.SocketPath, File.GetUnixFileMode(scene.SocketPath) | UnixFileMode.OtherWrite);

        CommandResult result = await scene.Daemon.AskAsync("doctor", "web");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: socket").And.Contain("chmod 0600"));
    }

    [Test]
    public async Task Doctor_OfARemovedSocket_SaysSo()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        File.Delete(scene.SocketPath);

        CommandResult result = await scene.Daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: socket").And.Contain("is not there"));
    }

    [Test]
    public async Task Doctor_OfAnUnknownBridge_NamesThoseThereAre()
    {
        Scene scene = await SceneAsync(Serve.Echo);

        CommandResult result = await scene.Daemon.AskAsync("doctor", "wbe");

        Assert.That(result.ExitCode, Is.EqualTo(64), result.Everything);
        Assert.That(result.Error, Does.Contain("web"));
    }
}
