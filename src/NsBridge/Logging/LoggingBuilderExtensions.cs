using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Logging;

internal static class LoggingBuilderExtensions
{
    /// <summary>Sends all log messages to one place: native journal entries if standard error is the journal, else plain lines on standard
    /// error. Replaces the providers of the host.</summary>
    /// <param name="logging">The host's logging.</param>
    /// <param name="around">Wraps the place, to take messages out.</param>
    public static ILoggingBuilder AddJournalOrPlainLines(
        this ILoggingBuilder logging, Func<ILoggerProvider, ILoggerProvider>? around = null)
    {
        logging.ClearProviders();
        // "Application started. Hosting environment: Production": the service manager and the bridges log it better.
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        logging.Services.AddSingleton<ILoggerProvider>(_ =>
        {
            var lines = PlainLines.OfStandardError();
            ILoggerProvider place = JournalSocket.IsStandardError()
                ? new JournalLoggerProvider(new JournalSocket(JournalSocket.DefaultPath), lines)
                : new PlainLoggerProvider(lines);
            return around is null ? place : around(place);
        });
        return logging;
    }
}

/// <summary>The levels of all loggers, in the framework's form; a reload changes them while the loggers are in use.</summary>
internal sealed class LogLevels : ConfigurationProvider, IConfigurationSource
{
    public LogLevels(ValueList<LogSetting> written) => Fill(written);

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public void Change(ValueList<LogSetting> written)
    {
        Fill(written);
        OnReload();
    }

    private void Fill(ValueList<LogSetting> written) =>
        Data = written.ToDictionary(setting => setting.Key, setting => setting.Value, StringComparer.OrdinalIgnoreCase);
}

/// <summary>A message's own text and, on the same line, that of its exception and the causes.</summary>
internal static class LogText
{
    public static string Of(string message, Exception? exception)
    {
        var text = new StringBuilder(message);
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            // A message often quotes its exception already, and a wrapper its cause.
            string said = ErrorText.Of(cause);
            if (!text.ToString().Contains(said, StringComparison.OrdinalIgnoreCase))
                text.Append(": ").Append(said);
        }
        return text.ToString();
    }
}
