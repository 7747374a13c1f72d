namespace NsBridge.IntegrationTests.Faults;

internal sealed class DemoTests
{
    [Test]
    public async Task Demo_Once_EndsWithZeroAndLeavesNothing()
    {
        var namespaces = Namespaces();
        var temporary = Temporary();

        var result = await Executable.RunAsync(["demo", "--once"]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("curl"));
        Executable.CheckPlain(result);
        // Other tests on the machine come and go meanwhile: only what names this program counts.
        Assert.That(Namespaces().Except(namespaces).Where(name => name.Contains("nsbridge", StringComparison.Ordinal)), Is.Empty);
        Assert.That(Temporary().Except(temporary), Is.Empty);
    }

    private static List<string> Namespaces() => Directory.Exists("/run/netns") ? [.. Directory.GetFileSystemEntries("/run/netns")] : [];

    private static List<string> Temporary() =>
        [.. Directory.GetFileSystemEntries(Path.GetTempPath(), "*nsbridge*"), .. Directory.GetFileSystemEntries("/run", "*nsbridge*")];
}
