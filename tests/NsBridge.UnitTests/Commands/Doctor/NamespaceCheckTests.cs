using NsBridge.Commands.Doctor;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Namespaces;

namespace NsBridge.UnitTests.Commands.Doctor;

/// <summary>The cure is for what is wrong.</summary>
internal sealed class NamespaceCheckTests
{
    [TestCase("ENAMETOOLONG", "correct the path")]
    [TestCase("ELOOP", "correct the path")]
    public async Task ProbeEntry_APathThatCannotBeOpened_IsToBeCorrected(string error, string cure)
    {
        using var scratch = new Testing.ScratchDirectory();
        string path = error == "ELOOP" ? File.CreateSymbolicLink(scratch["loop"], "loop").FullName : "/" + new string('n', 300);
        DaemonSettings settings = LoadedText.Right(""" "Name":"web", "Namespace":"vpn", "Target":"127.0.0.1:3000" """);
        var place = new ResolvedNamespace(new NamespaceReference(path, NamespaceKind.Path, path, 0), NetworkNamespace.AtPath(path), path, "");
        var bridge = new InspectedBridge(settings.Bridges[0], place, place, new DaemonAnswer(null), new SocketSnapshot(), settings.RuntimeDirectory);

        CheckResult? result = await OwnThread.RunAsync(() => NamespaceCheck.ProbeEntry("namespace", bridge, place, out _));

        Assert.That(result?.Finding, Does.Contain(error));
        Assert.That(result?.Cure, Does.Contain(cure).And.Not.Contain("memory"));
    }
}
