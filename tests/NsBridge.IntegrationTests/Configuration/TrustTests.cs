using NsBridge.IntegrationTests.Commands;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Configuration;

/// <summary>A configuration in the working folder counts only if nobody else decides what it says.</summary>
[Promise("config.trust")]
internal sealed class TrustTests
{
    private const int WrongConfiguration = 78;
    private ScratchDirectory _scratch = null!;
    private string _folder = null!;
    private string _file = null!;

    [SetUp]
    public async Task MakeFolderAsync()
    {
        _scratch = new ScratchDirectory();
        _scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), _scratch["nsbridge"]);
        _folder = Directory.CreateDirectory(_scratch["work"]).FullName;
        _file = _scratch.Write("work/appsettings.json", new DaemonConfig { RuntimeDirectory = _scratch["run"] }.ToJson());
    }

    [TearDown]
    public void RemoveFolder() => _scratch.Dispose();

    [TestCase("check")]
    [TestCase("run")]
    [TestCase("status")]
    [TestCase("doctor")]
    [TestCase("discover")]
    public async Task Command_OfRootInAFolderOfNobodys_NamesTheOwnerAndTheWayToInsist(string command)
    {
        await Command.CheckAsync("chown", "-R", "nobody:nogroup", _folder);

        CommandResult result = await RunAsync("root", command);

        Assert.That(result.ExitCode, Is.EqualTo(WrongConfiguration), result.Everything);
        Assert.That(result.Everything, Does.Contain(_file).And.Contain("belongs to user 65534").And.Contain($"--config {_file}"));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Check_TheFileIsNamed_Insists()
    {
        await Command.CheckAsync("chown", "-R", "nobody:nogroup", _folder);
        await Command.CheckAsync("chmod", "-R", "a+w", _folder);

        Assert.That((await RunAsync("root", "check", "--config", "appsettings.json")).ExitCode, Is.Zero);
    }

    [TestCase("root", "root", ExpectedResult = 0)]
    [TestCase("root", "nobody", ExpectedResult = 0)]
    [TestCase("nobody", "nobody", ExpectedResult = 0)]
    [TestCase("daemon", "nobody", ExpectedResult = WrongConfiguration)]
    [TestCase("daemon", "daemon", ExpectedResult = 0)]
    public async Task<int> Check_AFileOfOneUser_ByAnother(string owner, string caller)
    {
        await Command.CheckAsync("chown", "-R", owner, _folder);
        return (await RunAsync(caller, "check")).ExitCode;
    }

    /// <summary>In a mount namespace with an /etc of its own.</summary>
    [Test]
    public async Task Check_TwoFiles_SaysWhichOneItTakes()
    {
        string packaged = Path.Combine(Directory.CreateDirectory(_scratch["etc/nsbridge"]).FullName, "appsettings.json");
        File.Copy(_file, packaged);
        const string Script = "mount --bind \"$1\" /etc && cd \"$2\" && exec \"$3\" check";
        string[] line = ["--mount", "sh", "-c", Script, "sh", _scratch["etc"], _folder, _scratch["nsbridge"]];

        CommandResult both = await Command.RunAsync("unshare", line);
        File.Delete(packaged);
        CommandResult one = await Command.RunAsync("unshare", line);

        Assert.That(both.ExitCode, Is.Zero, both.Everything);
        Assert.That(both.Error, Does.StartWith($"{_file} is used; /etc/nsbridge/appsettings.json is not"));
        Assert.That(one.ExitCode, Is.Zero, one.Everything);
        Assert.That(one.Error, Is.Empty);
    }

    private Task<CommandResult> RunAsync(string user, params string[] arguments)
    {
        string[] asUser = ["-C", _folder, "setpriv", $"--reuid={user}", "--regid=nogroup", "--clear-groups"];
        return Command.RunAsync("env", [.. asUser, _scratch["nsbridge"], .. arguments]);
    }
}
