using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

internal static class LoggingBuilderExtensions
{
    /// <summary>
    /// The one place log messages go: native journal entries where standard error is the journal, else plain lines there.
    /// Replaces the providers the host brings along.
    /// </summary>
    public static ILoggingBuilder AddJournalOrPlainLines(this ILoggingBuilder logging)
    {
        logging.ClearProviders();
        // "Application started. Hosting environment: Production": the manager and the bridges say it better.
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        logging.Services.AddSingleton<ILoggerProvider>(_ =>
        {
            var lines = PlainLines.OfStandardError();
            return JournalStream.IsStandardError()
                ? new JournalLoggerProvider(new JournalSocket(JournalSocket.DefaultPath), lines)
                : new PlainLoggerProvider(lines);
        });
        return logging;
    }
}
