using NsBridge.Commands.Demo;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Commands.Demo;

internal sealed class UserNamespaceBanTests
{
    private ScratchDirectory _settings = null!;

    [SetUp]
    public void Make()
    {
        _settings = new ScratchDirectory();
        Directory.CreateDirectory(_settings["kernel"]);
        Directory.CreateDirectory(_settings["user"]);
        _settings.Write("user/max_user_namespaces", "31000\n");
    }

    [TearDown]
    public void Remove() => _settings.Dispose();

    [TestCase("kernel.unprivileged_userns_clone", 0, 1)]
    [TestCase("user.max_user_namespaces", 0, 10000)]
    [TestCase("user.max_net_namespaces", 0, 10000)]
    [TestCase("kernel.apparmor_restrict_unprivileged_userns", 1, 0)]
    public void Explain_ASettingForbidsThem_NamesItAndTheCure(string setting, int forbids, int allows)
    {
        _settings.Write(setting.Replace('.', '/'), $"{forbids}\n");

        string told = UserNamespaceBan.Explain(_settings.FullName);

        Assert.That(told, Does.Contain($"allow: {setting} = {forbids}.").And.Contain($"sudo sysctl {setting}={allows}\n").And.Contain("sudo nsbridge demo"));
    }

    [TestCase("kernel.unprivileged_userns_clone", 1)]
    [TestCase("kernel.apparmor_restrict_unprivileged_userns", 0)]
    public void Explain_NoSettingForbidsThem_SaysThatItIsTheSurroundings(string setting, int value)
    {
        _settings.Write(setting.Replace('.', '/'), $"{value}\n");

        Assert.That(UserNamespaceBan.Explain(_settings.FullName), Does.Contain("seccomp").And.Not.Contain("sysctl").And.Contain("sudo nsbridge demo"));
    }

    [Test]
    public void Explain_SeveralSettingsForbidThem_GivesOneCureForAll()
    {
        _settings.Write("user/max_user_namespaces", "0\n");
        _settings.Write("kernel/apparmor_restrict_unprivileged_userns", "1\n");

        Assert.That(UserNamespaceBan.Explain(_settings.FullName), Does.Contain("sudo sysctl user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0\n"));
    }
}
