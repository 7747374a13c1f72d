using System.ComponentModel;
using System.Text;
using NsBridge.Base;

namespace NsBridge.UnitTests.Base;

/// <summary>[terminal] No control character of a name, path, answer or process reaches a terminal or a log line.</summary>
internal sealed class PlainTextTests
{
    [TestCase("web\u001b[2Jevil", "web\ufffd[2Jevil")]
    [TestCase("a\rb", "a\ufffdb")]
    [TestCase("a\u009b31mb", "a\ufffd31mb")]
    [TestCase("a\u007f\u0000\u0007b", "a\ufffd\ufffd\ufffdb")]
    [TestCase("exe\u202efdp.sh", "exe\ufffdfdp.sh")]
    [TestCase("a\u2066b\u2069c\u200fd\u061ce", "a\ufffdb\ufffdc\ufffdd\ufffde")]
    [TestCase("a\u2028b\u0085c", "a\ufffdb\ufffdc")]
    [TestCase("naïve … ✓ 日本\t|", "naïve … ✓ 日本\t|")]
    public void LinesAndLine_ReplaceControlCharacters(string text, string expected)
    {
        Assert.That(PlainText.Lines(text), Is.EqualTo(expected));
        Assert.That(PlainText.Line(text), Is.EqualTo(expected));
    }

    [Test]
    public void LineFeed_StaysInLinesAndNotInALine()
    {
        Assert.That(PlainText.Lines("a\nb"), Is.EqualTo("a\nb"));
        Assert.That(PlainText.Line("a\nb"), Is.EqualTo("a\ufffdb"));
    }

    [Test]
    public void StandardStream_ThatIsPlain_ReplacesControlCharacters()
    {
        string file = Path.GetTempFileName();
        using (FileStream stream = File.OpenWrite(file))
        using (var output = new StandardStream((int)stream.SafeFileHandle.DangerousGetHandle(), _ => { }) { IsPlain = true })
            output.Write(Encoding.UTF8.GetBytes("ns \u001b]0;title\u0007 é\u202e\n"));

        Assert.That(File.ReadAllText(file), Is.EqualTo("ns \ufffd]0;title\ufffd é\ufffd\n"));
        File.Delete(file);
    }

    [Test]
    public void ErrorText_OfAResourceKey_IsTheSystemsText()
    {
        Assert.That(ErrorText.Of(new Win32Exception(11, "ErrorStartingProcess, /usr/bin/nsbridge, /, Resource temporarily unavailable")), Is.EqualTo("resource temporarily unavailable"));
        Assert.That(ErrorText.Of(new IOException("IO_DiskFull_Path_AllocationSize, /x, 3", 28)), Is.EqualTo("no space left on device"));
        Assert.That(ErrorText.Of(new IOException("net_io_readfailure", new Win32Exception(104))), Is.EqualTo("connection reset by peer"));
        Assert.That(ErrorText.Of(new ArgumentException("Arg_ArgumentException")), Is.EqualTo("ArgumentException"));
        Assert.That(ErrorText.Of(new InvalidOperationException("the file is empty")), Is.EqualTo("the file is empty"));
    }
}
