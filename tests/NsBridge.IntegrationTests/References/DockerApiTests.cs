using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using NsBridge.IntegrationTests.Commands;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.References;

/// <summary>
/// Containers by Docker's API, answered here exactly as Docker answers, for answers that a real engine cannot be made to give.
/// </summary>
internal sealed class DockerApiTests : BridgeFixture
{
    private const int Port = 3000;
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(2);

    private readonly IPEndPoint _listen = FreeEndPoint();
    private readonly string _id = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray())
        + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
    private volatile JsonObject? _container;
    private ScratchDirectory _runtime = null!;

    [SetUp]
    public void ServeApi()
    {
        _runtime = Scratch();
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_runtime["docker.sock"]));
        listener.Listen();
        Own(TargetServer.Start(listener, AnswerAsync));
    }

    [Test]
    public async Task Container_StoppedAndStartedAgain_IsFollowed()
    {
        DaemonProcess daemon = await DaemonAsync();
        await daemon.WaitLogAsync("there is no container web");
        for (int round = 0; round < 2; round++)
        {
            TestNamespace space = await NamespaceAsync();
            TargetServer server = Target(space, Serve.Echo, Port);
            using BackgroundProcess shim = Shim(space, _id);
            int process = await FirstProcessAsync(shim);
            _container = Running(process);
            await Eventually.TrueAsync(() => EchoesAsync(_listen), s_promised, $"round {round} is served\n{daemon.LogText()}");

            shim.Dispose();
            await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{process}"), Soon, "the container's process has ended");
            _container = Stopped();
            Assert.That(await EchoesAsync(_listen), Is.False);
            await daemon.WaitStatusAsync(bridge => bridge.GetProperty("reason").GetString() == "container web is not running (exited)",
                "it is told that the container stopped");
            await server.DisposeAsync();
        }
    }

    [Test]
    public async Task Container_WhoseProcessIsAnothers_IsNotEntered()
    {
        // Its number was given again: to a process of another container, whose network must not be reached.
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo, Port);
        using BackgroundProcess shim = Shim(space, new string('0', 64));
        _container = Running(await FirstProcessAsync(shim));
        DaemonProcess daemon = await DaemonAsync();

        await daemon.WaitLogAsync("is not container web's");
        Assert.That(await EchoesAsync(_listen), Is.False);
        Assert.That(server.Accepted, Is.Zero);
    }

    [Test]
    public async Task Container_WithTheHostsNetwork_IsRefused()
    {
        _container = Running(Environment.ProcessId);
        _container["HostConfig"] = new JsonObject { ["NetworkMode"] = "host" };
        DaemonProcess daemon = await DaemonAsync();

        await daemon.WaitLogAsync("uses the host's; write \"host\" if that is meant");
        Assert.That(await EchoesAsync(_listen), Is.False);
    }

    [Test]
    public async Task Engine_CannotBeAskedForWantOfDescriptors_IsAskedAgain()
    {
        DaemonProcess daemon = await DaemonAsync();
        await daemon.WaitLogAsync("there is no container web");
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo, Port);
        using BackgroundProcess shim = Shim(space, _id);

        // Fewer than it has open.
        await Command.CheckAsync("prlimit", $"--pid={daemon.Id}", "--nofile=8:");
        _container = Running(await FirstProcessAsync(shim));
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.That(daemon.HasExited, Is.False, daemon.LogText);
        await Command.CheckAsync("prlimit", $"--pid={daemon.Id}", "--nofile=1024:");

        await Eventually.TrueAsync(() => EchoesAsync(_listen), Soon, $"it is served\n{daemon.LogText()}");
    }

    [Test]
    public async Task Discover_OfAContainerByName_FindsWhatListensInIt()
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo, Port);
        using BackgroundProcess shim = Shim(space, _id);
        _container = Running(await FirstProcessAsync(shim));

        CommandResult result = await Executable.RunAsync(["discover", "container:web"], Person);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("\"Namespace\": \"container:web\"").And.Contain($"\"Target\": \"127.0.0.1:{Port}\""));
    }

    [Test]
    public async Task Discover_OfAStoppedContainer_SaysThatItIs()
    {
        _container = Stopped();

        CommandResult result = await Executable.RunAsync(["discover", "container:web"], Person);

        Assert.That(result.ExitCode, Is.Not.Zero, result.Everything);
        Assert.That(result.Error, Does.Contain("container web is not running (exited)"));
    }

    private Dictionary<string, string?> Person => new() { ["XDG_RUNTIME_DIR"] = _runtime.FullName, ["HOME"] = _runtime.FullName };

    private Task<DaemonProcess> DaemonAsync() => StartAsync(
        new DaemonConfig(new BridgeEntry("web") { Listen = _listen.ToString(), Namespace = "container:web", Target = $"127.0.0.1:{Port}" }),
        new DaemonLaunch { Environment = Person });

    /// <summary>What watches over a container bears its id on its command line and is the parent of its first process.</summary>
    private static BackgroundProcess Shim(TestNamespace space, string id) =>
        BackgroundProcess.Start("sh", [
            "-c", $"ip netns exec {space.Name} sleep 600 & wait", "containerd-shim-runc-v2", "-namespace", "moby", "-id", id]);

    private static async Task<int> FirstProcessAsync(BackgroundProcess shim)
    {
        int child = 0;
        string? home = new FileInfo("/proc/self/ns/net").LinkTarget;
        await Eventually.TrueAsync(
            () =>
                int.TryParse(File.ReadAllText($"/proc/{shim.Id}/task/{shim.Id}/children").Trim(), out child)
                && new FileInfo($"/proc/{child}/ns/net").LinkTarget != home,
            Soon,
            "the container's first process is in its network");
        return child;
    }

    private JsonObject Running(int process) => Container("running", process, "bridge");

    private JsonObject Stopped() => Container("exited", 0, "bridge");

    private JsonObject Container(string status, int process, string network) => new()
    {
        ["Id"] = _id,
        ["Name"] = "/web",
        ["State"] = new JsonObject { ["Status"] = status, ["Running"] = status == "running", ["Pid"] = process },
        ["HostConfig"] = new JsonObject { ["NetworkMode"] = network },
    };

    private async Task AnswerAsync(Socket connection, CancellationToken cancel)
    {
        var request = new StringBuilder();
        byte[] buffer = new byte[1024];
        while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int read = await connection.ReceiveAsync(buffer, cancel);
            if (read == 0)
                return;
            request.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }
        JsonObject? known = request.ToString().StartsWith("GET /containers/web/json HTTP/1.", StringComparison.Ordinal) ? _container : null;
        string body = known?.ToJsonString() ?? "{\"message\":\"No such container: web\"}";
        string head = $"HTTP/1.0 {(known is null ? "404 Not Found" : "200 OK")}\r\nContent-Type: application/json\r\n\r\n";
        await connection.SendAllAsync(Encoding.UTF8.GetBytes(head + body), cancel);
    }
}
