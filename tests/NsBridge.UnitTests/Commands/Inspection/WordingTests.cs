using System.Net;
using NsBridge.Commands.Inspection;

namespace NsBridge.UnitTests.Commands.Inspection;

public class WordingTests
{
    [TestCase("a", "a")]
    [TestCase("a b c d", "a, b, c, d")]
    [TestCase("a b c d e", "a, b, c and 2 more")]
    public void List_OfItems_IsCutWithTheirNumber(string items, string text) => Assert.That(Wording.List(items.Split(' ')), Is.EqualTo(text));

    [TestCase("nothing listens on 127.0.0.1:3000 in vpn; is it down?", "nothing listens on\n    127.0.0.1:3000 in vpn;\n    is it down?")]
    [TestCase("/a/path/that/is/longer/than/a/line is no file", "/a/path/that/is/longer/than/a/line\n    is no file")]
    [TestCase("", "")]
    public void Wrap_OfALine_BreaksBetweenWords(string line, string text) =>
        Assert.That(Wording.Wrap(line, before: 4, width: 26), Is.EqualTo(text));

    [TestCase("127.0.0.1:80", "127.0.0.1:80")]
    [TestCase("127.0.0.1:82 127.0.0.1:80 127.0.0.1:81 [::1]:81", "127.0.0.1:80-82, [::1]:81")]
    [TestCase("127.0.0.1:80 127.0.0.1:80 127.0.0.1:82", "127.0.0.1:80, 127.0.0.1:82")]
    public void Ranges_OfConsecutivePorts_AreOne(string points, string text) =>
        Assert.That(Wording.Ranges(points.Split(' ').Select(IPEndPoint.Parse)), Is.EqualTo(text));
}
