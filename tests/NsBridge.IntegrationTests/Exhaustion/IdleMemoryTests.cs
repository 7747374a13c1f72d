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
