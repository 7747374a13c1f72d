using System.Text;

namespace NsBridge.Logging;

/// <summary>What a message says in words: its own text and, in the same line, what the exception and its causes say.</summary>
internal static class LogText
{
    public static string Of(string message, Exception? exception)
    {
        if (exception is null)
            return message;

        var text = new StringBuilder(message);
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            // A message often quotes its exception already, and a wrapper its cause.
            if (!text.ToString().Contains(cause.Message, StringComparison.Ordinal))
                text.Append(": ").Append(cause.Message);
        }

        return text.ToString();
    }
}
