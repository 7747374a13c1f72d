using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>
/// Reads <c>hh:mm:ss</c>, with days before (<c>d.</c>) and a fraction behind (<c>.fff</c>) where wanted. Timers count whole milliseconds, so it is rounded
/// up to them: the least that is written must not become zero, which often means never.
/// </summary>
internal static class DurationText
{
    /// <summary>The whole seconds, for the JSON schema.</summary>
    public const string Pattern = @"([0-9]{1,8}\.)?([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9]";

    private static readonly TimeSpan s_longest = TimeSpan.MaxValue - TimeSpan.FromMilliseconds(1);

    public static bool TryParse(string text, out TimeSpan value, out string fault)
    {
        value = default;
        fault = "";
        if (text.StartsWith('-'))
        {
            fault = "a duration cannot be negative";
            return false;
        }

        // .NET reads "5" as five days and "0:05" as five minutes; whoever writes those means something else.
        int colons = text.AsSpan().Count(':');
        if (colons == 2 && TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out TimeSpan exact))
        {
            // Where there is no whole millisecond above it, far beyond all that may be written, it stays as it is.
            long rest = exact.Ticks % TimeSpan.TicksPerMillisecond;
            value = rest == 0 || exact > s_longest ? exact : new TimeSpan(exact.Ticks - rest + TimeSpan.TicksPerMillisecond);
            return true;
        }

        fault = "write a duration as hh:mm:ss, such as 00:00:05 for five seconds (hours below 24, minutes and seconds below 60)";
        return false;
    }
}
