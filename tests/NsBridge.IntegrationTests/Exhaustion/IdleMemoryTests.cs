using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Exhaustion;

internal sealed class IdleMemoryTests : BridgeFixture
{
    private const double Limit = 12;
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(10);

    /// <summary>Proportional memory, but with the executable's pages in full: other daemons of the tests share them.</summary>
    [Test]
    public async Task Idle_OneBridge_TakesLessThanTwelveMebibytes()
    {
        Scene scene = await SceneAsync(Serve.Echo);

        double taken = double.MaxValue;
        await Eventually.TrueAsync(
            () => Task.FromResult((taken = Mebibytes(scene.Daemon.Id)) < Limit), s_settled, () => $"it takes {taken:0.0} MiB");
    }

    /// <summary>Each with a listener, a UNIX socket and a target; 13.4 KiB a bridge is measured.</summary>
    [Test]
    public async Task Idle_ThousandBridges_TakeLessThanTwentyKibibytesEach()
    {
        const int bridges = 1_000;
        TestNamespace space = await NamespaceAsync();
        int port = HostSockets.FreePort();
        BridgeEntry Entry(int number) => new($"bridge{number}")
        {
            Listen = $"127.77.{number / 250}.{1 + (number % 250)}:{port}",
            Namespace = space.Name,
            Target = "127.0.0.1:3000",
        };
        double one = Mebibytes((await StartAsync(Entry(0))).Id);
        DaemonProcess all = await StartAsync([.. Enumerable.Range(1, bridges).Select(Entry)]);

        double each = double.MaxValue;
        await Eventually.TrueAsync(
            () => Task.FromResult((each = (Mebibytes(all.Id) - one) * 1024 / bridges) < 20), s_settled,
            () => $"a bridge takes {each:0.0} KiB");
    }

    private static double Mebibytes(int process)
    {
        long kibibytes = 0;
        bool isExecutable = false;
        foreach (string line in File.ReadLines($"/proc/{process}/smaps"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[0].Contains('-', StringComparison.Ordinal))
                isExecutable = fields[^1].EndsWith("/nsbridge", StringComparison.Ordinal);
            else if (fields[0] == (isExecutable ? "Rss:" : "Pss:"))
                kibibytes += long.Parse(fields[1], CultureInfo.InvariantCulture);
        }
        return kibibytes / 1024.0;
    }
}
