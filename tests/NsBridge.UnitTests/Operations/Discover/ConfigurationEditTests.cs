using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Operations.Discover;

/// <summary>Nothing but the configuration changes, whatever lies beside it.</summary>
internal sealed class ConfigurationEditTests
{
    private static readonly BridgeDraft s_draft = new("web", ["127.0.0.1:3003"], "vpn", "127.0.0.1:3000");

    [TestCase(true)]
    [TestCase(false)]
    public void AddBridges_BesideAFileNamedNew_LeavesItAlone(bool exists)
    {
        using var scratch = new ScratchDirectory();
        string file = exists ? scratch.Write("a.json", "{ }") : scratch["a.json"];
        string other = scratch.Write("a.json.new", "mine");

        ConfigurationEdit.AddBridges(file, [s_draft]);

        Assert.That(File.Exists(other) ? File.ReadAllText(other) : null, Is.EqualTo("mine"));
        Assert.That(File.ReadAllText(file), Does.Contain("\"web\""));
        Assert.That(Names(scratch), Is.EqualTo(exists ? new[] { "a.json", "a.json.bak", "a.json.new" } : ["a.json", "a.json.new"]));
    }

    [Test]
    public void AddBridges_OfWhatWouldBeWrong_LeavesNothingBehind()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("a.json", "{ }");

        Assert.Throws<UserErrorException>(() => ConfigurationEdit.AddBridges(file, [s_draft with { Target = "example.com:80" }]));

        Assert.That(File.ReadAllText(file), Is.EqualTo("{ }"));
        Assert.That(Names(scratch), Is.EqualTo(new[] { "a.json" }));
    }

    private static string[] Names(ScratchDirectory scratch) =>
        [.. Directory.GetFileSystemEntries(scratch.FullName).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
