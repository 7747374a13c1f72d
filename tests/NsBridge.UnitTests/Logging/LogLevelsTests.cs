using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NsBridge.Configuration.Settings;
using NsBridge.Logging;

namespace NsBridge.UnitTests.Logging;

internal sealed class LogLevelsTests
{
    [Test]
    public void Change_OfALevel_ReachesALoggerThatIsThere()
    {
        var levels = new LogLevels([]);
        using ServiceProvider services = new ServiceCollection()
            .AddLogging(logging => logging.AddConfiguration(new ConfigurationBuilder().Add(levels).Build().GetSection("Logging")).AddJournalOrPlainLines())
            .BuildServiceProvider();
        ILogger log = services.GetRequiredService<ILoggerFactory>().CreateLogger("NsBridge.Bridges.Bridge");
        Assert.That(log.IsEnabled(LogLevel.Debug), Is.False);

        levels.Change([new LogSetting("Logging:LogLevel:NsBridge", "Debug")]);
        Assert.That(log.IsEnabled(LogLevel.Debug), Is.True);

        levels.Change([]);
        Assert.That(log.IsEnabled(LogLevel.Debug), Is.False);
    }
}
