using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.UnixSocket;

[Promise("unix.door")]
internal sealed class ForeignDescriptorTests : BridgeFixture
{
    private const int Rounds = 100;
    private static readonly byte[] s_hello = Pattern.Take(100);

    [Test]
    public async Task Descriptors_FromAnotherUser_AreClosedAndIgnored()
    {
        Scene scene = await StartAsync();

        string output = await PassAsync(scene, "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups");

        Assert.That(output, Is.EqualTo("held 0"), "connections passed by another user are still open");
        await CheckUnharmedAsync(scene);
    }

    [Test]
    public async Task Descriptors_JunkFromItsOwnUser_LeakNothing()
    {
        Scene scene = await StartAsync();

        // What a program of the daemon's own user passes may be taken for a handover; nothing may stay when it is over.
        await PassAsync(scene, "env");

        await CheckUnharmedAsync(scene);
    }

    [Test]
    public async Task Bytes_WithDescriptorsBesides_StillReachTheTarget()
    {
        Scene scene = await StartAsync();

        await PassAsync(scene, "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups");
        Socket client = await ConnectAsync(scene, Door.Unix);

        await client.EchoAsync(s_hello);
        Assert.That(scene.Server.Accepted, Is.Positive);
    }

    private async Task<Scene> StartAsync()
    {
        await DebianPackages.RequireAsync("python3-minimal", "libpython3-stdlib");
        ScratchDirectory folder = Scratch();
        folder.OpenToEveryone();
        return await SceneAsync(Serve.Echo, entry => entry with { Socket = folder["web.sock"], SocketMode = "0666" });
    }

    private async Task<string> PassAsync(Scene scene, params string[] asWhom)
    {
        // The other user may not be able to reach the checkout.
        ScratchDirectory folder = Scratch();
        folder.OpenToEveryone();
        string script = folder["pass-descriptors.py"];
        File.Copy(Path.Combine(AppContext.BaseDirectory, "pass-descriptors.py"), script);
        CommandResult result = await Command.RunAsync(
            asWhom[0], [.. asWhom[1..], "/usr/bin/python3", script, scene.SocketPath, $"{Rounds}"]);
        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        return result.Output.Trim();
    }

    private async Task CheckUnharmedAsync(Scene scene)
    {
        await scene.Daemon.CheckQuietAsync();
        await (await ConnectAsync(scene, Door.Unix)).EchoAsync(s_hello);
        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);
    }
}
