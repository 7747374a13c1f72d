using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Status;

/// <summary>What <c>status --json</c> says about a running daemon.</summary>
[Promise("status.json")]
internal sealed class StatusTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [Test]
    public async Task Status_OfServedConnections_CountsThemAndTheirBytes()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using (Socket ended = await ConnectAsync(scene))
            await ended.EchoAsync(s_hello);
        Socket living = await ConnectAsync(scene);
        await living.EchoAsync(s_hello);

        await Eventually.TrueAsync(async () => Connections(await BridgeAsync(scene.Daemon, "web"), "active") == 1, Soon, "one connection is left");
        JsonElement bridge = await BridgeAsync(scene.Daemon, "web");

        Assert.Multiple(() =>
        {
            Assert.That(bridge.GetProperty("state").GetString(), Is.EqualTo("up"));
            Assert.That(bridge.GetProperty("namespace").GetProperty("reference").GetString(), Is.EqualTo(scene.Namespace.Name));
            Assert.That(bridge.GetProperty("listen").EnumerateArray().Select(listen => listen.GetString()), Is.EqualTo(new[] { scene.Listen.ToString() }));
            Assert.That(bridge.GetProperty("socket").GetString(), Is.EqualTo(scene.SocketPath));
            Assert.That(bridge.GetProperty("target").GetString(), Is.EqualTo(scene.Entry.Target));
            Assert.That(Connections(bridge, "total"), Is.EqualTo(2));
            Assert.That(Connections(bridge, "refused"), Is.Zero);
            Assert.That(Connections(bridge, "failed"), Is.Zero);
            Assert.That(bridge.GetProperty("bytes").GetProperty("toTarget").GetInt64(), Is.EqualTo(2 * s_hello.Length));
            Assert.That(bridge.GetProperty("bytes").GetProperty("toClient").GetInt64(), Is.EqualTo(2 * s_hello.Length));
        });
    }

    [Test]
    public async Task Status_OfANamespaceThatComesAndGoes_FollowsIt()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        DaemonProcess daemon = await StartAsync(new BridgeEntry("web") { Listen = FreeEndPoint().ToString(), Namespace = space.Name, Target = "127.0.0.1:3000" });
        await StateAsync(daemon, "waiting");
        Assert.That((await BridgeAsync(daemon, "web")).GetProperty("reason").GetString(), Does.Contain(space.Name));

        await space.AddAsync();
        await StateAsync(daemon, "up");
        string first = Cookie(await BridgeAsync(daemon, "web"));

        await space.DeleteAsync();
        await StateAsync(daemon, "waiting");
        await space.AddAsync();
        await StateAsync(daemon, "up");

        Assert.That(Cookie(await BridgeAsync(daemon, "web")), Is.Not.EqualTo(first), "another namespace under the same name");
    }

    [TestCase("{ \"NsBridge\": { \"RuntimeDirectory\": \"DIR\", \"Bridges\": [ { ")]
    [TestCase("{ \"NsBridge\": { \"RuntimeDirectory\": \"DIR\", \"EventLoops\": -1 } }")]
    public async Task Status_WhileTheFileIsBroken_AsksTheRightDaemonAndCountsTheFaults(string text)
    {
        Scene scene = await SceneAsync(Serve.Echo);
        await File.WriteAllTextAsync(scene.Daemon.ConfigurationFile, text.Replace("DIR", scene.Daemon.RuntimeDirectory, StringComparison.Ordinal));

        CommandResult result = await scene.Daemon.AskAsync("status", "--json");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(JsonDocument.Parse(result.Output).RootElement.GetProperty("bridges").GetArrayLength(), Is.EqualTo(1));
        Assert.That(result.Error, Is.EqualTo($"1 fault in {scene.Daemon.ConfigurationFile}; 'nsbridge check --config {scene.Daemon.ConfigurationFile}' lists them; the daemon runs on with what it has\n"));
    }

    [Test]
    public async Task Status_OfABrokenFileWithoutADaemon_SaysFirstThatNoneIsRunning()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        await scene.Daemon.StopAsync();
        await File.WriteAllTextAsync(scene.Daemon.ConfigurationFile, $$"""{ "NsBridge": { "RuntimeDirectory": "{{scene.Daemon.RuntimeDirectory}}", "EventLoops": -1, "Rest": 1 } }""");

        CommandResult result = await scene.Daemon.AskAsync("status");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        string[] lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.Contain("no nsbridge is running"));
        Assert.That(lines[1], Does.StartWith($"2 faults in {scene.Daemon.ConfigurationFile}; ").And.EndWith("lists them"));
        Assert.That(lines, Has.Length.EqualTo(2));
    }

    [Test]
    public async Task Status_OfARefusedAndAFailedClient_CountsThem()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { MaxConnections = 1 });
        Socket living = await ConnectAsync(scene);
        await living.EchoAsync(s_hello);
        Assert.That(await EchoesAsync(scene.Listen), Is.False);
        await Eventually.TrueAsync(async () => Connections(await BridgeAsync(scene.Daemon, "web"), "refused") == 1, Soon, "the refused client is counted");

        living.Dispose();
        await scene.Server.DisposeAsync();
        await Eventually.TrueAsync(async () => Connections(await BridgeAsync(scene.Daemon, "web"), "active") == 0, Soon, "the connection is over");
        Assert.That(await EchoesAsync(scene.Listen), Is.False);
        await Eventually.TrueAsync(async () => Connections(await BridgeAsync(scene.Daemon, "web"), "failed") == 1, Soon, "the failed client is counted");
    }

    [Test]
    public async Task Status_OfADisabledBridge_SaysSoAndItServesNothing()
    {
        IPEndPoint listen = FreeEndPoint();
        Scene scene = await SceneAsync(Serve.Echo);
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("off") { Enabled = false, Listen = listen.ToString(), Namespace = scene.Namespace.Name, Target = scene.Entry.Target },
            new BridgeEntry("on") { Listen = FreeEndPoint().ToString(), Namespace = scene.Namespace.Name, Target = scene.Entry.Target });

        Assert.That((await BridgeAsync(daemon, "off")).GetProperty("state").GetString(), Is.EqualTo("disabled"));
        Assert.That(HostSockets.IsListening(listen), Is.False);
    }

    [Test]
    public async Task Status_WithoutADaemon_FailsPlainly()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        await scene.Daemon.StopAsync();

        CommandResult result = await scene.Daemon.AskAsync("status", "--json");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Everything, Does.Not.Contain("   at "));
    }

    private static async Task StateAsync(DaemonProcess daemon, string state) => await Eventually.TrueAsync(
        async () => (await BridgeAsync(daemon, "web")).GetProperty("state").GetString() == state, Soon, $"state {state}");

    private static async Task<JsonElement> BridgeAsync(DaemonProcess daemon, string name) =>
        (await daemon.StatusAsync()).GetProperty("bridges").EnumerateArray().Single(bridge => bridge.GetProperty("name").GetString() == name);

    private static long Connections(JsonElement bridge, string kind) => bridge.GetProperty("connections").GetProperty(kind).GetInt64();

    private static string Cookie(JsonElement bridge) => bridge.GetProperty("namespace").GetProperty("cookie").ToString();
}
