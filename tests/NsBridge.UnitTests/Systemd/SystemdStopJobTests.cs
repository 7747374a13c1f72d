using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

/// <summary>Which systemd knows whether this service is being restarted.</summary>
internal sealed class SystemdStopJobTests
{
    [TestCase("/system.slice/nsbridge.service", false)]
    [TestCase("/machine.slice/guest.service/payload/system.slice/nsbridge.service", false)]
    [TestCase("/user.slice/user-1000.slice/user@1000.service/app.slice/nsbridge.service", true)]
    public void Place_OfAService_IsOfTheSystemdThatRunsIt(string controlGroup, bool isOfUser) =>
        Assert.That(SystemdStopJob.ServiceOf([controlGroup]), Is.EqualTo(("nsbridge.service", isOfUser)));

    [Test]
    public void Place_StartedByHand_None() =>
        Assert.That(SystemdStopJob.ServiceOf(["/user.slice/user-1000.slice/session-3.scope"]), Is.Null);
}
