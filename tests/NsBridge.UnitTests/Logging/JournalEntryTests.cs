using System.Text;
using NsBridge.Logging;

namespace NsBridge.UnitTests.Logging;

internal sealed class JournalEntryTests
{
    [Test]
    public void Add_OneLine_NameEqualsValue()
    {
        var entry = new JournalEntry();
        entry.Add("PRIORITY", 6);
        entry.Add("BRIDGE", "wéb");
        Assert.That(Encoding.UTF8.GetString(entry.Bytes), Is.EqualTo("PRIORITY=6\nBRIDGE=wéb\n"));
    }

    [Test]
    public void Add_LineBreak_LengthInFrontSoThatNoFieldCanBeForged()
    {
        var entry = new JournalEntry();
        entry.Add("MESSAGE", "a\nPRIORITY=0");
        Assert.That(entry.Bytes.ToArray(), Is.EqualTo("MESSAGE\n\u000c\0\0\0\0\0\0\0a\nPRIORITY=0\n"u8.ToArray()));
    }

    [Test]
    public void Add_ControlCharacters_AreReplaced()
    {
        var entry = new JournalEntry();
        entry.Add("CLIENT", "a\u001b[2J\u202e");
        Assert.That(Encoding.UTF8.GetString(entry.Bytes), Is.EqualTo("CLIENT=a\ufffd[2J\ufffd\n"));
    }

    [TestCase(null)]
    [TestCase("")]
    public void Add_Nothing_NoField(string? value)
    {
        var entry = new JournalEntry();
        entry.Add("CLIENT", value);
        Assert.That(entry.Bytes.Length, Is.Zero);
    }

    [Test]
    public void Add_TooLong_CutBetweenCharacters()
    {
        var entry = new JournalEntry();
        entry.Add("M", "x" + new string('é', JournalEntry.LongestValue));
        string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(entry.Bytes);
        Assert.That(text, Does.StartWith("M=xé").And.EndsWith("é\n"));
        Assert.That(entry.Bytes.Length, Is.EqualTo("M=\n".Length + JournalEntry.LongestValue - 1));
    }
}
