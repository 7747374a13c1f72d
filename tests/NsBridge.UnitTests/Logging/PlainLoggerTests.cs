using System.Text;
using Microsoft.Extensions.Logging;
using NsBridge.Logging;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Logging;

internal sealed partial class PlainLoggerTests
{
    [Test]
    public void Log_Fact_LevelAndMessage()
    {
        Assert.That(Written(log => Up(log, "web")), Is.EqualTo("info web: up\n"));
    }

    [Test]
    [Promise("terminal")]
    public void Log_LineBreakInAValue_CannotStartALineOfItsOwn()
    {
        Assert.That(Written(log => Up(log, "web\ncritical all is lost")), Is.EqualTo("info web\n    critical all is lost: up\n"));
    }

    [Test]
    public void Log_ControlCharactersInAValue_AreReplaced() =>
        Assert.That(Written(log => Up(log, "we\u001b[2Jb\u202e")), Is.EqualTo("info we\ufffd[2Jb\ufffd: up\n"));

    [Test]
    public void Log_Error_SaysTheCauseWithoutAStackTrace()
    {
        IOException fault = Thrown();
        Assert.That(Written(log => Failed(log, LogLevel.Error, fault)), Is.EqualTo("error failed: address in use\n"));
    }

    [Test]
    public void Log_Critical_CarriesTheStackTrace()
    {
        IOException fault = Thrown();
        Assert.That(Written(log => Failed(log, LogLevel.Critical, fault)), Does.Contain(nameof(Thrown)));
    }

    private static string Written(Action<ILogger> write)
    {
        using var stream = new MemoryStream();
        write(new PlainLogger(new PlainLines(stream, () => true)));
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static IOException Thrown()
    {
        try
        {
            throw new IOException("address in use");
        }
        catch (IOException e)
        {
            return e;
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Bridge}: up")]
    private static partial void Up(ILogger log, string bridge);

    [LoggerMessage(EventId = 2, Message = "failed")]
    private static partial void Failed(ILogger log, LogLevel level, Exception exception);
}
