using System.Globalization;
using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

[NonParallelizable]
internal sealed class ListenFdsTests
{
    [Test]
    public void Parse_TwoNamed_NumbersFromThree()
    {
        Assert.That(
            ListenFds.Parse("17", "2", "web:dns", 17),
            Is.EqualTo(new ActivationFd[] { new(3, "web"), new(4, "dns") }));
    }

    [TestCase(null, "1", "web", Description = "nothing handed over")]
    [TestCase("18", "1", "web", Description = "for another process")]
    [TestCase("17", null, "web", Description = "no count")]
    [TestCase("17", "-1", "web", Description = "wrong count")]
    [TestCase("17", "0", "", Description = "none")]
    public void Parse_NotForThisProcess_None(string? process, string? count, string? names) =>
        Assert.That(ListenFds.Parse(process, count, names, 17), Is.Empty);

    [Test]
    public void Parse_NoNames_Nameless() =>
        Assert.That(ListenFds.Parse("17", "1", null, 17), Is.EqualTo(new ActivationFd[] { new(3, "") }));

    [Test]
    public void Take_Announced_ClearsTheVariables()
    {
        Environment.SetEnvironmentVariable("LISTEN_PID", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        Environment.SetEnvironmentVariable("LISTEN_FDS", "1");
        Environment.SetEnvironmentVariable("LISTEN_FDNAMES", "web");

        Assert.That(ListenFds.Take(), Is.EqualTo(new ActivationFd[] { new(3, "web") }));
        Assert.That(Environment.GetEnvironmentVariables().Keys.Cast<string>(), Has.None.StartsWith("LISTEN_"));
    }
}
