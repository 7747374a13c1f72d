using NsBridge.Configuration.Values;

namespace NsBridge.UnitTests.Configuration;

[TestFixture]
internal sealed class NamespaceReferenceTests
{
    [TestCase("host", NamespaceKind.Host, null)]
    [TestCase("vpn", NamespaceKind.Name, "/run/netns/vpn")]
    [TestCase("cni-1234.x", NamespaceKind.Name, "/run/netns/cni-1234.x")]
    [TestCase("HOST", NamespaceKind.Name, "/run/netns/HOST")]
    [TestCase("/proc/self/ns/net", NamespaceKind.Path, "/proc/self/ns/net")]
    [TestCase("pid:42", NamespaceKind.Pid, "/proc/42/ns/net")]
    [TestCase("unit:vpn@home.service", NamespaceKind.Unit, null)]
    [TestCase(@"unit:a\x2db.service", NamespaceKind.Unit, null)]
    [TestCase("container:web_1.a-b", NamespaceKind.Container, null)]
    [TestCase("machine:web_1.a-b", NamespaceKind.Machine, null)]
    public void TryParse_Right_HasKindAndFile(string text, NamespaceKind kind, string? file)
    {
        Assert.That(NamespaceReference.TryParse(text, out NamespaceReference? reference, out string? fault), Is.True, fault);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(reference.Kind, Is.EqualTo(kind));
            Assert.That(reference.FilePath, Is.EqualTo(file));
            Assert.That(reference.Text, Is.EqualTo(text));
        }
    }

    [TestCase("", "empty")]
    [TestCase(" vpn", "space")]
    [TestCase("v\nn", "control character")]
    [TestCase(".", "one file")]
    [TestCase("..", "one file")]
    [TestCase("../x", "one file")]
    [TestCase("/run/netns/", "does not end")]
    [TestCase("pid:", "number of a process")]
    [TestCase("pid:0", "number of a process")]
    [TestCase("pid:-1", "number of a process")]
    [TestCase("pid:self", "number of a process")]
    [TestCase("pid:99999999999", "number of a process")]
    [TestCase("unit:", "full name of a service")]
    [TestCase("unit:vpn", "full name of a service")]
    [TestCase("unit:.service", "full name of a service")]
    [TestCase("unit:vpn@.service", "full name of a service")]
    [TestCase("unit:a/b.service", "full name of a service")]
    [TestCase("unit:vpn.socket", "full name of a service")]
    [TestCase("container:", "container's name")]
    [TestCase("container:-a", "container's name")]
    [TestCase("machine:", "machinectl lists")]
    [TestCase("machine:.host", "machinectl lists")]
    [TestCase("machine:a23456789012345678901234567890123456789012345678901234567890123456", "at most 64 characters")]
    [TestCase("container:a/b", "container's name")]
    [TestCase("docker:web", "not a kind")]
    [TestCase("PID:1", "not a kind")]
    public void TryParse_Wrong_SaysWhy(string text, string piece)
    {
        Assert.That(NamespaceReference.TryParse(text, out _, out string? fault), Is.False);
        Assert.That(fault, Does.Contain(piece));
    }

    [TestCase("/", 4095, "at most 4095 bytes")]
    [TestCase("/n/", 255, "each name in it 255")]
    [TestCase("", 255, "at most 255 bytes")]
    [TestCase("", 127, "at most 255 bytes", "ä")]
    public void TryParse_LongerThanTheKernelTakes_SaysHowLong(string start, int most, string piece, string letter = "n")
    {
        string right = start + (most > 255 ? Path(most - 1) : Repeat(letter, most));
        string wrong = start + (most > 255 ? Path(most) : Repeat(letter, most + 1));

        Assert.That(NamespaceReference.TryParse(right, out _, out string? fault), Is.True, fault);
        Assert.That(NamespaceReference.TryParse(wrong, out _, out fault), Is.False);
        Assert.That(fault, Does.Contain(piece));
    }

    private static string Repeat(string letter, int times) => string.Concat(Enumerable.Repeat(letter, times));

    /// <summary>Short names, as many as it takes.</summary>
    private static string Path(int length) => string.Concat(Enumerable.Repeat("nnn/", length / 4)) + new string('n', length % 4);
}
