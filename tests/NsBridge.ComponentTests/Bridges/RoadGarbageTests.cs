using System.Net;
using System.Net.Sockets;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>A connection makes no garbage, whichever road it takes.</summary>
internal sealed class RoadGarbageTests
{
    private const int Connections = 200;
    // What the measurement allocates, and the growth of a queue.
    private const long Tolerance = 32 * Connections;

    private readonly IPEndPoint _listen = new(IPAddress.Loopback, HostSockets.FreePort());
    private readonly IPEndPoint _target = new(IPAddress.Loopback, HostSockets.FreePort());

    [TestCase("handoff", "none")]
    [TestCase("handoff", "v1")]
    [TestCase("handoff", "v2")]
    [TestCase("relay", "none")]
    [TestCase("relay", "v1")]
    public async Task Connection_Served_AllocatesNothing(string join, string proxyProtocol)
    {
        await using var server = TargetServer.StartOnHost(_target, Serve.Greeting("!"));
        await CheckAsync($""" , "Join":"{join}", "ProxyProtocol":"{proxyProtocol}" """, async () =>
        {
            using Socket client = await TestClient.TcpAsync(_listen);
            client.Shutdown(SocketShutdown.Send);
            await client.EndingAsync();
        });
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Connection_Reset_AllocatesNothing(string join)
    {
        await using var server = TargetServer.StartOnHost(_target, Serve.Greeting("!"));
        await CheckAsync($""" , "Join":"{join}" """, async () =>
        {
            Socket client = await TestClient.TcpAsync(_listen);
            await client.ReceiveExactlyAsync(1);
            client.Reset();
        });
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public Task Connection_Refused_AllocatesNothing(string join) =>
        CheckAsync($""" , "Join":"{join}" """, () => TestClient.EndingAsync(_listen));

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Connection_Parked_AllocatesNothing(string join)
    {
        // One waits all the time; with it the scene would end late.
        Socket? first = null;
        await CheckAsync($""" , "TargetWait":"00:01:00", "Join":"{join}" """, async () =>
        {
            Socket client = await TestClient.TcpAsync(_listen);
            if (first is null)
                first = client;
            else
                client.Reset();
        }, () => first?.Reset());
    }

    private async Task CheckAsync(string keys, Func<Task> converse, Action? end = null)
    {
        await using var scene = new FleetScene();
        string ends = $""" "Namespace":"host", "Target":"{_target}", "Listen":"{_listen}" """;
        await scene.StartAsync(LoadedText.Right($""" "Name":"web", "Socket":"{scene.PathOf("web.sock")}", {ends} {keys} """));
        await ConverseAsync(scene, converse);
        long before = await AllocatedByTheLoopAsync(scene);
        await ConverseAsync(scene, converse);
        long allocated = await AllocatedByTheLoopAsync(scene) - before;
        end?.Invoke();

        TestContext.Out.WriteLine($"{allocated / (double)Connections:0.0} bytes a connection");
        Assert.That(allocated, Is.LessThan(Tolerance));
    }

    private static async Task ConverseAsync(FleetScene scene, Func<Task> converse)
    {
        using var turn = new AutoResetEvent(false);
        Action pass = () => turn.Set();
        for (int connection = 0; connection < Connections; connection++)
        {
            await converse();
            // The loop keeps pace: as many clients at once as never before are new objects.
            scene.Parts.Loop.Post(pass);
            turn.WaitOne();
        }
    }

    private static Task<long> AllocatedByTheLoopAsync(FleetScene scene) =>
        scene.Parts.Loop.InvokeAsync(GC.GetAllocatedBytesForCurrentThread);
}
