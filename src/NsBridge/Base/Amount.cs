using System.Globalization;

namespace NsBridge.Base;

/// <summary>Numbers as people read them.</summary>
internal static class Amount
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary><c>17 B</c>, <c>1.5 MiB</c>, <c>230 GiB</c>: three figures at most behind the first unit.</summary>
    public static string OfBytes(double bytes)
    {
        int unit = 0;
        while (bytes >= 1000 && unit < s_units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        string format = unit == 0 || bytes >= 99.95 ? "0" : bytes >= 9.995 ? "0.0" : "0.00";
        return string.Create(CultureInfo.InvariantCulture, $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {s_units[unit]}");
    }

    /// <summary><c>12 s</c>, <c>5 min</c>, <c>30 h</c>, <c>9 d</c>: below two of a unit in the next smaller one.</summary>
    public static string OfTime(TimeSpan time)
    {
        (double amount, string unit) = time.TotalSeconds < 120 ? (time.TotalSeconds, "s")
            : time.TotalMinutes < 120 ? (time.TotalMinutes, "min")
            : time.TotalHours < 48 ? (time.TotalHours, "h")
            : (time.TotalDays, "d");
        return string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Max(amount, 0)} {unit}");
    }

    public static string OfCount(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
