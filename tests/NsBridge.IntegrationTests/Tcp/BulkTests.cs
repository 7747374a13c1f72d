using System.Net;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

internal sealed class BulkTests : BridgeFixture
{
    private const int Port = 5201;

    [TestCase("handoff", "")]
    [TestCase("handoff", "-R")]
    [TestCase("handoff", "--bidir")]
    [TestCase("relay", "")]
    [TestCase("relay", "-R")]
    [TestCase("relay", "--bidir")]
    public async Task Iperf3_FourStreams_RunsWithoutError(string join, string direction)
    {
        await DebianPackages.RequireAsync("iperf3");
        TestNamespace space = await NamespaceAsync();
        BackgroundProcess server = Own(space.Start("iperf3", "-s", "-p", $"{Port}", "-B", "127.0.0.1"));
        await Nginx.ReadyAsync(space, server, Port);
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("iperf")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = $"127.0.0.1:{Port}",
            Join = join
        });

        CommandResult result = await Command.RunAsync(
            "iperf3", ["-c", IPAddress.Loopback.ToString(), "-p", $"{listen.Port}", "-P4", "-t", "1", "--json",
                .. direction.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        JsonElement end = JsonDocument.Parse(result.Output).RootElement.GetProperty("end");
        Assert.That(end.GetProperty("sum_received").GetProperty("bytes").GetDouble(), Is.GreaterThan(1 << 20));
        if (direction == "--bidir")
            Assert.That(end.GetProperty("sum_received_bidir_reverse").GetProperty("bytes").GetDouble(), Is.GreaterThan(1 << 20));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task RedisBenchmark_FiftyClients_RunsWithoutError(string join)
    {
        await DebianPackages.RequireAsync("redis-server", "redis-tools");
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory folder = Scratch();
        BackgroundProcess server = Own(space.Start(
            "redis-server", "--port", "6379", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder.FullName));
        await Nginx.ReadyAsync(space, server, 6379);
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("redis")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = "127.0.0.1:6379",
            Join = join
        });

        CommandResult result = await Command.RunAsync(
            "redis-benchmark",
            ["-h", "127.0.0.1", "-p", $"{listen.Port}", "-c", "50", "-n", "10000", "-t", "ping,set,get,lrange_100,mset", "-q"]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Everything, Does.Not.Contain("rror"));
        Assert.That(result.Output.Split('\n').Count(line => line.Contains("requests per second", StringComparison.Ordinal)),
            Is.GreaterThanOrEqualTo(5));
    }
}
