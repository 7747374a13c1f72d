using NsBridge.Logging;

namespace NsBridge.UnitTests.Logging;

internal sealed class JournalStreamTests
{
    [Test]
    public void Matches_StandardErrorIsTheStream_True() => Assert.That(JournalSocket.Matches("8:20391", "socket:[20391]"), Is.True);

    [TestCase("8:20391", "socket:[20392]", Description = "redirected to another socket")]
    [TestCase("8:20391", "/var/log/nsbridge.log", Description = "redirected to a file")]
    [TestCase("8:20391", null, Description = "closed")]
    [TestCase(null, "socket:[20391]", Description = "not started by a service manager")]
    [TestCase("", "socket:[]", Description = "empty")]
    [TestCase("8:", "socket:[]", Description = "no inode")]
    [TestCase("20391", "socket:[20391]", Description = "no device")]
    public void Matches_StandardErrorIsElsewhere_False(string? variable, string? standardError) =>
        Assert.That(JournalSocket.Matches(variable, standardError), Is.False);
}
