using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Operations;

/// <summary>However the demo ends, nothing of it stays.</summary>
internal sealed class DemoEndTests : BridgeFixture
{
    [TestCase("INT", 0)]
    [TestCase("TERM", 0)]
    [TestCase("KILL", 137)]
    public async Task Demo_EndedBySignal_LeavesNoProcessNoNamespaceAndNoFile(string signal, int code)
    {
        var before = Leftovers();
        // A shell that starts the tests in the background has SIGINT ignored, and so would the demo.
        using var demo = BackgroundProcess.Start("env", ["--default-signal=INT", await PublishedDaemon.PathAsync(), "demo"]);
        await demo.LineAsync(line => line.Contains("curl http", StringComparison.Ordinal), Soon, "the line to try");
        var holder = Children(demo.Id).Single();
        var place = new FileInfo($"/proc/{holder}/ns/net").LinkTarget!;
        var url = demo.Lines.Single(line => line.Contains("curl http", StringComparison.Ordinal)).Trim()["curl ".Length..];
        Assert.That(await Command.CheckAsync("curl", "--silent", "--max-time", "5", url), Does.Contain("Hello from inside"));

        await demo.SignalAsync(signal);

        Assert.That(await demo.ExitAsync(), Is.EqualTo(code));
        await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{holder}"), Soon, "the namespace's process is gone");
        Assert.That(ProcessesIn(place), Is.Empty);
        Assert.That(Leftovers().Except(before), Is.Empty);
    }

    [Test]
    public async Task Demo_WithoutPrivilege_SaysWhichOne()
    {
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);

        var result = await Command.RunAsync(
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", scratch["nsbridge"], "demo", "--once"]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Error, Does.Contain("CAP_SYS_ADMIN"));
    }

    private static List<string> Leftovers() => [.. Directory.GetFileSystemEntries(Path.GetTempPath(), "nsbridge-demo-*")];

    private static List<int> Children(int parent) =>
        // Told by the thread that started them, whichever of the pool that was.
        [.. Directory.EnumerateDirectories($"/proc/{parent}/task")
            .SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture))];

    private static List<string> ProcessesIn(string place) => [.. Directory.EnumerateDirectories("/proc")
        .Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0]) && ProcessNamespace(folder) == place)];

    private static string? ProcessNamespace(string folder)
    {
        try
        {
            return new FileInfo($"{folder}/ns/net").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
