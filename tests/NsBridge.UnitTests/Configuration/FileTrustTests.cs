using System.Runtime.InteropServices;
using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Configuration;

/// <summary>Who else may decide what a file says. The tests run as root.</summary>
[Promise("config.trust")]
internal sealed class FileTrustTests
{
    private const uint Other = 65_534;
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;
    private ScratchDirectory _scratch = null!;
    private string _file = null!;

    [SetUp]
    public void Write()
    {
        _scratch = new ScratchDirectory();
        _scratch.OpenToEveryone();
        Directory.CreateDirectory(_scratch["etc"]);
        _file = _scratch.Write("etc/appsettings.json", "{}");
    }

    [TearDown]
    public void Remove() => _scratch.Dispose();

    [Test]
    public void Fault_OfRootsFileInRootsFolder_IsNone() => Assert.That(FileTrust.FaultOf(_file), Is.Null);

    [Test]
    public void Fault_OfNoFile_IsNone() => Assert.That(FileTrust.FaultOf(_scratch["etc/none.json"]), Is.Null);

    [TestCase("etc/appsettings.json", "it belongs to user 65534, who is neither root nor this user (0)")]
    [TestCase("etc", "/etc belongs to user 65534")]
    public void Fault_OfAnotherOwner_NamesIt(string what, string piece)
    {
        Own(_scratch[what], Other, Other);
        Assert.That(FileTrust.FaultOf(_file), Does.Contain(piece));
    }

    [TestCase("etc/appsettings.json", "it may be written by others: it has mode 0777")]
    [TestCase("etc", "/etc may be written by others")]
    public void Fault_OfWhatEverybodyMayWrite_NamesIt(string what, string piece)
    {
        File.SetUnixFileMode(_scratch[what], Everybody);
        Assert.That(FileTrust.FaultOf(_file), Does.Contain(piece));
    }

    [Test]
    public void Fault_OfASharedFolderWithTheStickyBit_IsNone()
    {
        File.SetUnixFileMode(_scratch["etc"], Everybody | UnixFileMode.StickyBit);
        Assert.That(FileTrust.FaultOf(_file), Is.Null);
    }

    [TestCase(0u, false)]
    [TestCase(100u, true)]
    public void Fault_OfAGroupThatMayWrite_DependsOnTheGroup(uint group, bool isFault)
    {
        File.SetUnixFileMode(_file, (UnixFileMode)0b110_110_100);
        Own(_file, 0, group);
        Assert.That(FileTrust.FaultOf(_file), isFault ? Does.Contain("user 0, group 100") : Is.Null);
    }

    [Test]
    public void Fault_OfALink_IsThatOfItsTargetAndOfTheTargetsFolder()
    {
        Directory.CreateDirectory(_scratch["target"]);
        string target = _scratch.Write("target/real.json", "{}");
        File.Delete(_file);
        File.CreateSymbolicLink(_file, "../target/real.json");
        Assert.That(FileTrust.FaultOf(_file), Is.Null, "a link of root's to a file of root's");

        Own(target, Other, Other);
        Assert.That(FileTrust.FaultOf(_file), Does.Contain("real.json belongs to user 65534"));

        Own(target, 0, 0);
        Own(_scratch["target"], Other, Other);
        Assert.That(FileTrust.FaultOf(_file), Does.Contain("target belongs to user 65534"));
    }

    [Test]
    public void Fault_OfALinkOfSomebodyElse_IsTheLink()
    {
        string link = _scratch["etc/link.json"];
        File.CreateSymbolicLink(link, _file);
        Assert.That(lchown(link, Other, Other), Is.Zero);
        Assert.That(FileTrust.FaultOf(link), Does.StartWith("it belongs to user 65534"));
    }

    [Test]
    public void Load_ADirectoryOfTheServiceManagerThatIsNotTrusted_IsAFault()
    {
        string directory = Directory.CreateDirectory(_scratch["run"]).FullName;
        Assert.That(LoadedText.Load("""{"NsBridge":{}}""", ("RUNTIME_DIRECTORY", directory)).Faults, Is.Empty);
        Own(directory, Other, Other);
        ConfigurationOutcome outcome = LoadedText.Load("""{"NsBridge":{}}""", ("RUNTIME_DIRECTORY", directory));
        string piece = $"$RUNTIME_DIRECTORY is {directory}, but it belongs to user 65534";
        LoadedText.AssertOnlyFault(outcome, "NsBridge:RuntimeDirectory", piece);
        Assert.That(outcome.RuntimeDirectory, Is.Null);
        Assert.That(LoadedText.Load("{", ("RUNTIME_DIRECTORY", directory)).RuntimeDirectory, Is.Null);
    }

    private static void Own(string path, uint user, uint group) => Assert.That(lchown(path, user, group), Is.Zero);

    [DllImport("libc", CharSet = CharSet.Ansi)]
    private static extern int lchown(string path, uint user, uint group);
}
