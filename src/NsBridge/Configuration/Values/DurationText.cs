using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>Parses <c>hh:mm:ss</c> with optional days before (<c>d.</c>) and an optional fraction behind (<c>.fff</c>). Timers count whole
/// milliseconds, so it is rounded up to them: the least that is written must not become zero, which often means never.</summary>
internal static class DurationText
{
    /// <summary>The whole seconds, for the JSON schema.</summary>
    public const string Pattern = @"([0-9]{1,8}\.)?([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9]";

    private static readonly TimeSpan s_longest = TimeSpan.MaxValue - TimeSpan.FromMilliseconds(1);

    public static bool TryParse(string text, out TimeSpan value, out string fault)
    {
        (value, fault) = (default, "");
        // .NET skips spaces before it.
        if (text.AsSpan().TrimStart().StartsWith('-'))
            return Refuse.With("a duration cannot be negative", out fault);
        // .NET parses "5" as five days and "0:05" as five minutes, which no operator means.
        if (text.AsSpan().Count(':') != 2 || !TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out value))
        {
            return Refuse.With(
                "write a duration as hh:mm:ss, such as 00:00:05 for five seconds (hours below 24, minutes and seconds below 60)",
                out fault);
        }
        // Far beyond all limits there is no whole millisecond above it.
        long rest = value.Ticks % TimeSpan.TicksPerMillisecond;
        if (rest > 0 && value <= s_longest)
            value = new TimeSpan(value.Ticks - rest + TimeSpan.TicksPerMillisecond);
        return true;
    }
}
