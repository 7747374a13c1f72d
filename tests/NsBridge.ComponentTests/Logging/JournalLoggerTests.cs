using Microsoft.Extensions.Logging;
using NsBridge.Logging;

namespace NsBridge.ComponentTests.Logging;

internal sealed partial class JournalLoggerTests
{
    private ReceivingJournal _journal = null!;
    private MemoryStream _standardError = null!;
    private JournalLoggerProvider _provider = null!;
    private ILogger _log = null!;

    [SetUp]
    public void Start()
    {
        _journal = new ReceivingJournal();
        _standardError = new MemoryStream();
        _provider = new JournalLoggerProvider(new JournalSocket(_journal.Path), new PlainLines(_standardError, () => true));
        _log = _provider.CreateLogger("NsBridge.Bridges.Bridge");
    }

    [TearDown]
    public void Stop()
    {
        _provider.Dispose();
        _standardError.Dispose();
        _journal.Dispose();
    }

    [Test]
    public void Log_BridgeAndClientAmongTheParameters_AreFields()
    {
        ClientRefused(_log, "web", "192.0.2.7:40312");
        Assert.That(_journal.Receive(), Is.EqualTo(new Dictionary<string, string>
        {
            ["MESSAGE"] = "web: refused 192.0.2.7:40312",
            ["PRIORITY"] = "4",
            ["SYSLOG_IDENTIFIER"] = "nsbridge",
            ["BRIDGE"] = "web",
            ["CLIENT"] = "192.0.2.7:40312",
            ["CODE_FUNC"] = "NsBridge.Bridges.Bridge.ClientRefused",
            ["EVENT_NAME"] = "ClientRefused",
            ["EVENT_ID"] = "17",
        }));
    }

    [Test]
    public void Log_InsideAScope_ScopeGivesTheBridge()
    {
        using (_log.BeginScope(new Dictionary<string, object?> { ["Bridge"] = "outermost", ["Client"] = "192.0.2.7:40312" }))
        using (_log.BeginScope(new Dictionary<string, object?> { ["Bridge"] = "web" }))
            Started(_log);
        Dictionary<string, string> entry = _journal.Receive();
        Assert.That((entry["BRIDGE"], entry["CLIENT"]), Is.EqualTo(("web", "192.0.2.7:40312")));
    }

    [TestCase(LogLevel.Critical, "2")]
    [TestCase(LogLevel.Error, "3")]
    [TestCase(LogLevel.Warning, "4")]
    [TestCase(LogLevel.Information, "6")]
    [TestCase(LogLevel.Debug, "7")]
    [TestCase(LogLevel.Trace, "7")]
    public void Log_Level_IsTheSyslogPriority(LogLevel level, string priority)
    {
        AtLevel(_log, level);
        Assert.That(_journal.Receive()["PRIORITY"], Is.EqualTo(priority));
    }

    [Test]
    public void Log_Exception_MessageTellsTheCausesAndTheRestIsAField()
    {
        Failed(_log, new IOException("cannot listen", new InvalidOperationException("address in use")));
        Dictionary<string, string> entry = _journal.Receive();
        Assert.That(entry["MESSAGE"], Is.EqualTo("failed: cannot listen: address in use"));
        Assert.That(entry, Does.ContainKey("EXCEPTION"));
    }

    [Test]
    public void Log_JournalStartedAnew_Reconnects()
    {
        Started(_log);
        _journal.Receive();
        _journal.Restart();
        Started(_log);
        Assert.That(_journal.Receive()["EVENT_NAME"], Is.EqualTo("Started"));
    }

    [Test]
    public void Log_JournalGone_WarningsGoToStandardErrorWithTheirPriority()
    {
        _journal.Dispose();
        Started(_log);
        ClientRefused(_log, "web", "192.0.2.7:40312");
        Assert.That(System.Text.Encoding.UTF8.GetString(_standardError.ToArray()), Is.EqualTo("<4>web: refused 192.0.2.7:40312\n"));
    }

    [Test]
    [CancelAfter(30_000)]
    public void Log_JournalDoesNotRead_GoesOnAndTellsTheLossLater(CancellationToken cancellation)
    {
        // The queue of a datagram socket is short (net.unix.max_dgram_qlen), so this overflows it however it is set.
        const int messages = 3_000;
        for (int message = 0; message < messages && !cancellation.IsCancellationRequested; message++)
            Started(_log);

        int received = 0;
        while (received < 5)
        {
            _journal.Receive();
            received++;
        }

        Started(_log);
        string told;
        do
            told = _journal.Receive()["MESSAGE"];
        while (!told.Contains("lost", StringComparison.Ordinal));
        Assert.That(told, Does.Match(@"^\d+ messages were lost"));
    }

    [LoggerMessage(EventId = 17, Level = LogLevel.Warning, Message = "{Bridge}: refused {Client}")]
    private static partial void ClientRefused(ILogger log, string bridge, string client);

    [LoggerMessage(EventId = 18, Level = LogLevel.Information, Message = "started")]
    private static partial void Started(ILogger log);

    [LoggerMessage(EventId = 19, Message = "at a level")]
    private static partial void AtLevel(ILogger log, LogLevel level);

    [LoggerMessage(EventId = 20, Level = LogLevel.Error, Message = "failed")]
    private static partial void Failed(ILogger log, Exception exception);
}
