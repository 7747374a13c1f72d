using System.Globalization;
using NsBridge.Base;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <summary>The options between <c>socat</c> and its addresses.</summary>
/// <param name="Inactivity">After how long without a byte it ends; null for never.</param>
/// <param name="Rest">Those that say something else about what it passes on, as they are written.</param>
internal sealed record SocatFlags(TimeSpan? Inactivity, ValueList<string> Rest)
{
    public static readonly SocatFlags None = new(null, []);

    /// <param name="words">What stands behind <c>socat</c>.</param>
    /// <exception cref="UserErrorException">A time is none.</exception>
    public static (SocatFlags Flags, List<string> Addresses) Split(List<string> words)
    {
        TimeSpan? inactivity = null;
        var rest = new List<string>();
        int at = 0;
        while (at < words.Count && words[at] is ['-', _, ..] flag)
        {
            at++;
            // These take a value, attached or as the next word.
            if (flag is "-T" or "-t" or "-b" or "-L" or "-W" or "-lf" or "-lp" or "-r" or "-R" or "-S" && at < words.Count)
                flag = $"{flag} {words[at++]}";
            if (flag[1] == 'T')
                inactivity = Seconds(flag, flag[2..].TrimStart());
            // The others are about its own logging and buffers, or what a bridge does anyway.
            else if (flag[1] is not ('d' or 'D' or 'l' or 'b' or 's' or 'S' or 'g' or '4') && flag != "--")
                rest.Add(flag);
        }

        return (new SocatFlags(inactivity, [.. rest]), words[at..]);
    }

    /// <summary>A time as socat takes it.</summary>
    /// <returns>Null for zero, by which it means no limit.</returns>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static TimeSpan? Seconds(string option, string text)
    {
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) || seconds > int.MaxValue)
            throw new UserErrorException($"socat's '{option}' takes a number of seconds", ExitCode.Usage);
        return seconds == 0 ? null : new TimeSpan((long)(seconds * TimeSpan.TicksPerSecond));
    }
}
