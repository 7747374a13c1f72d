using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.References;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Expose;

/// <summary>A namespace of the user's own, reached without privilege.</summary>
[Promise("expose.rootless")]
internal sealed class RootlessExposeTests : ExposeFixture
{
    [TestCase(PlaceKind.Unshare)]
    [TestCase(PlaceKind.Bubblewrap)]
    public async Task Command_ThatIsKilled_LeavesNoProcess(PlaceKind kind)
    {
        ExposePlace place = await PlaceAsync(kind);
        (ExposeProgram program, IPEndPoint listen) = await EchoAsync(place);
        int inside = Inside(program, place);
        Assert.That(await EchoesAsync(listen));

        await program.Process.SignalAsync("KILL");

        await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{inside}"), Soon, "the process inside is gone");
        Assert.That(program.Leftovers, Is.Empty);
        Assert.That(place.Sandbox!.HasExited, Is.False);
    }

    [Test]
    public async Task ProcessInside_ThatIsKilled_IsReplaced()
    {
        ExposePlace place = await PlaceAsync(PlaceKind.Unshare);
        (ExposeProgram program, IPEndPoint listen) = await EchoAsync(place);
        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(Pattern.Take(10));

        await Command.CheckAsync("/bin/sh", "-c", $"kill -KILL {Inside(program, place)}");

        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "clients are served again");
        // Without the process inside the namespace counts as gone for a moment, which ends its connections.
        Assert.That(await client.EndingAsync(), Is.EqualTo(Ending.Reset));
    }

    [TestCase(PlaceKind.Unshare)]
    [TestCase(PlaceKind.Bubblewrap)]
    public async Task Sandbox_ThatEnds_EndsTheCommandAndIsFreed(PlaceKind kind)
    {
        ExposePlace place = await PlaceAsync(kind);
        (ExposeProgram program, IPEndPoint _) = await EchoAsync(place);
        int inside = Inside(program, place);

        await place.Sandbox!.SignalAsync("KILL");

        Assert.That(await program.Process.ExitAsync(), Is.Zero);
        await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{inside}"), Soon, "the process inside is gone");
    }

    [Test]
    public async Task Container_OfTheUsersPodman_IsServedByNameAndByProcess()
    {
        PodmanHost podman = Own(await PodmanHost.StartAsync(rootless: true));
        await podman.RunEchoAsync("web");
        string process = await podman.CheckAsync("inspect", "--format", "{{.State.Pid}}", "web");
        foreach (string reference in new[] { "container:web", $"pid:{process}" })
        {
            ExposeProgram program = Own(await ExposeProgram.PrepareAsync(podman.Environment));
            program.Start(isRootless: true, reference, "3000", "--listen", "0");
            IPEndPoint listen = await program.ListenAsync("localhost:3000");

            Socket client = Own(await TestClient.TcpAsync(listen));
            await client.SendPatternAsync(1 << 20);
            client.Shutdown(SocketShutdown.Send);
            Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(1 << 20), reference);
        }
    }

    [Test]
    public async Task Into_AndDatagrams_WorkToo()
    {
        ExposePlace place = await PlaceAsync(PlaceKind.Bubblewrap);
        using var target = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        string port = $"{((IPEndPoint)target.Client.LocalEndPoint!).Port}";
        ExposeProgram udp = await ExposeAsync(place, port, "--udp", "--into", "--listen", "0");
        IPEndPoint listen = await udp.ListenAsync($"localhost:{port}");
        IPEndPoint at = FreeEndPoint();
        Own(TargetServer.StartOnHost(at, Serve.Echo));
        ExposeProgram tcp = await ExposeAsync(place, $"{at.Port}", "--into", "--listen", "0");
        IPEndPoint inside = await tcp.ListenAsync($"localhost:{at.Port}");

        using Socket client = TestNamespace.OpenSocket(place.File, AddressFamily.InterNetwork);
        await client.ConnectAsync(inside);
        await client.EchoAsync(Pattern.Take(1000));
        Assert.That(HostSockets.IsListening(inside), Is.False);
        Assert.That(HostSockets.IsUdpBound(listen.Port), Is.False);
    }

    [Test]
    [Promise("cli.exit-codes")]
    public async Task ProcessOfAnotherUser_IsRefusedWithTheMissingPrivilege()
    {
        TestNamespace space = await NamespaceAsync();
        using BackgroundProcess holder = space.Start("sleep", "600");
        await Eventually.TrueAsync(() => ProcessFacts.ThreadNamespaces(holder.Id).Single() != ProcessFacts.HomeNamespace, Soon, "inside");
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());
        foreach (string[] more in new string[][] { [], ["--into", "--listen", "0"] })
        {
            CommandResult result = await program.RunAsync(true, [$"pid:{holder.Id}", "3000", .. more]);

            Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
            Assert.That(result.Error, Does.Contain("CAP_SYS_ADMIN is missing").And.Contain("belongs to another user"));
        }
    }

    [Test]
    public async Task UserNamespaces_RestrictedByAppArmor_AreNamedWithTheSetting()
    {
        // The kernel of this machine may be without AppArmor: the setting is put before its own.
        const string restrict = "k=$(cat /proc/sys/kernel/cap_last_cap); mount -t tmpfs none /proc/sys/kernel; cd /proc/sys/kernel; "
            + "echo $k > cap_last_cap; echo 1 > apparmor_restrict_unprivileged_userns; exec \"$@\"";
        TestNamespace space = await NamespaceAsync();
        using BackgroundProcess holder = space.Start("sleep", "600");
        await Eventually.TrueAsync(() => ProcessFacts.ThreadNamespaces(holder.Id).Single() != ProcessFacts.HomeNamespace, Soon, "inside");
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());

        CommandResult result = await Command.RunAsync(
            "unshare", ["--mount", "sh", "-euc", restrict, "sh", .. program.Line(isRootless: true, $"pid:{holder.Id}", "3000")]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Error, Does.Contain("sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"));
    }

    private async Task<(ExposeProgram Program, IPEndPoint Listen)> EchoAsync(ExposePlace place)
    {
        TargetServer server = Own(place.Serve(Serve.Echo));
        ExposeProgram program = await ExposeAsync(place, $"{server.EndPoint}", "--listen", "0");
        return (program, await program.ListenAsync($"{server.EndPoint}"));
    }

    /// <summary>The one child of the command, which is inside.</summary>
    private static int Inside(ExposeProgram program, ExposePlace place)
    {
        int child = Directory.EnumerateDirectories($"/proc/{program.Process.Id}/task")
            .SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture)).Single();
        Assert.That(
            ProcessFacts.ThreadNamespaces(child).Single(), Is.EqualTo(new FileInfo(place.File).LinkTarget), "it is inside");
        return child;
    }
}
