using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Connections;

internal sealed class ConnectionsTests : BridgeFixture
{
    private static readonly byte[] s_words = new byte[1000];

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task List_OneOfEachKind_ShowsClientTargetStateAndBytes(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join });
        using Socket tcp = await ConnectAsync(scene);
        using Socket local = await ConnectAsync(scene, Door.Unix);
        await tcp.SendAsync(s_words);
        await ReadAsync(tcp, s_words.Length);
        await EchoedAsync(local);

        JsonElement[] all = await ListAsync(scene.Daemon);

        Assert.That(all, Has.Length.EqualTo(2));
        JsonElement own = all.Single(one => Text(one, "client") == tcp.LocalEndPoint!.ToString());
        Assert.Multiple(() =>
        {
            Assert.That(Text(own, "bridge"), Is.EqualTo("web"));
            Assert.That(Text(own, "target"), Is.EqualTo(scene.Server.EndPoint.ToString()));
            Assert.That(Text(own, "state"), Is.EqualTo("open"));
            Assert.That(own.GetProperty("bytes").GetProperty("toTarget").GetInt64(), Is.EqualTo(s_words.Length));
            Assert.That(own.GetProperty("bytes").GetProperty("toClient").GetInt64(), Is.EqualTo(s_words.Length));
            Assert.That(own.GetProperty("ageSeconds").GetDouble(), Is.GreaterThan(0));
            JsonElement other = all.Single(one => Text(one, "client") == "unix");
            Assert.That(other.GetProperty("pid").GetInt32(), Is.EqualTo(Environment.ProcessId));
            Assert.That(other.GetProperty("user").GetInt32(), Is.Zero);
        });
    }

    [Test]
    public async Task List_HalfClosedConnection_SaysSo()
    {
        Scene scene = await SceneAsync(Serve.Nothing);
        using Socket client = await ConnectAsync(scene);
        client.Shutdown(SocketShutdown.Send);

        await Eventually.TrueAsync(
            async () => Text((await ListAsync(scene.Daemon)).Single(), "state") == "half-closed", Soon, () => "not half-closed");
    }

    [Test]
    public async Task List_ParkedClients_ShowsTheirPlaces()
    {
        TestNamespace space = await NamespaceAsync();
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(new BridgeEntry("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = "127.0.0.1:9",
            TargetWait = TimeSpan.FromMinutes(1),
        });
        using Socket first = await TestClient.TcpAsync(listen);
        using Socket second = await TestClient.TcpAsync(listen);

        await Eventually.TrueAsync(
            async () => (await ListAsync(daemon)).Count(one => Text(one, "state") == "parked") == 2, Soon, () => "not parked");
        int[] places = [.. (await ListAsync(daemon)).Select(one => one.GetProperty("place").GetInt32()).Order()];
        Assert.That(places, Is.EqualTo(new[] { 1, 2 }));
    }

    [Test]
    public async Task List_UdpFlow_IsListedAndEnded()
    {
        TestNamespace space = await NamespaceAsync();
        IPEndPoint listen = FreeEndPoint();
        var entry = new BridgeEntry("dns") { Protocol = "udp", Listen = listen.ToString(), Namespace = space.Name, Target = "127.0.0.1:9" };
        DaemonProcess daemon = await StartAsync(entry);
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket target = space.BindUdp(new IPEndPoint(IPAddress.Loopback, 9));
        await client.SendAsync(s_words, listen);
        await Eventually.TrueAsync(async () => (await ListAsync(daemon)).Length == 1, Soon, () => "no flow");
        JsonElement flow = (await ListAsync(daemon)).Single();
        Assert.That(Text(flow, "client"), Is.EqualTo(client.Client.LocalEndPoint!.ToString()));
        Assert.That(flow.GetProperty("bytes").GetProperty("toTarget").GetInt64(), Is.EqualTo(s_words.Length));

        CommandResult end = await daemon.AskAsync("end", "--client", "127.0.0.1");

        Assert.That(end.ExitCode, Is.Zero, end.Everything);
        Assert.That(await ListAsync(daemon), Is.Empty);
    }

    [Test]
    public async Task List_UnknownBridge_IsAWrongCommandLine()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        CommandResult result = await scene.Daemon.AskAsync("connections", "nope");
        Assert.That(result.ExitCode, Is.EqualTo(64), result.Everything);
        Assert.That(result.Error, Does.Contain("nope"));
    }

    [TestCase("id")]
    [TestCase("bridge")]
    [TestCase("client")]
    public async Task End_OfOneSelection_ResetsItAndNothingElse(string selection)
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using Socket meant = await ConnectAsync(scene);
        using Socket other = await ConnectAsync(scene, Door.Unix);
        await EchoedAsync(meant);
        await EchoedAsync(other);
        JsonElement listed = (await ListAsync(scene.Daemon)).Single(one => Text(one, "client") == meant.LocalEndPoint!.ToString());
        string[] which = selection switch
        {
            "id" => [listed.GetProperty("id").GetInt64().ToString(CultureInfo.InvariantCulture)],
            "bridge" => ["--bridge", "web"],
            _ => ["--client", "127.0.0.0/8"],
        };

        CommandResult end = await scene.Daemon.AskAsync("end", which);

        Assert.That(end.ExitCode, Is.Zero, end.Everything);
        Assert.That(end.Output, Does.StartWith(selection == "bridge" ? "2 connections" : "1 connection "));
        Assert.That(async () => await meant.ReceiveAsync(new byte[1]),
            Throws.TypeOf<SocketException>().With.Property(nameof(SocketException.SocketErrorCode)).EqualTo(SocketError.ConnectionReset));
        if (selection != "bridge")
            await EchoedAsync(other);
        CommandResult again = await scene.Daemon.AskAsync("end", which);
        Assert.That(again.ExitCode, Is.EqualTo(1), again.Everything);
    }

    private static async Task<JsonElement[]> ListAsync(DaemonProcess daemon)
    {
        CommandResult result = await daemon.AskAsync("connections", "--json");
        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        return [.. JsonDocument.Parse(result.Output).RootElement.GetProperty("connections").EnumerateArray()];
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static async Task EchoedAsync(Socket client)
    {
        await client.SendAsync(s_words);
        await ReadAsync(client, s_words.Length);
    }

    private static async Task ReadAsync(Socket client, int count)
    {
        byte[] buffer = new byte[count];
        for (int read = 0, got; read < count; read += got)
        {
            got = await client.ReceiveAsync(buffer.AsMemory(read));
            Assert.That(got, Is.Positive, "the connection ended early");
        }
    }
}
