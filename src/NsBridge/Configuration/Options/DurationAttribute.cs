using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

/// <summary>A duration between two numbers of milliseconds, both included.</summary>
internal sealed class DurationAttribute(int least, int most) : WrittenAttribute
{
    /// <summary>In milliseconds.</summary>
    public const int Day = 86_400_000;

    public int Least => least;

    public int Most => most;

    public bool WholeSeconds { get; set; }

    protected override string? FaultOf(string text)
    {
        if (!DurationText.TryParse(text, out TimeSpan value, out string? fault))
            return fault;
        if (value < TimeSpan.FromMilliseconds(least))
            return "the duration must be more than zero";
        if (value > TimeSpan.FromMilliseconds(most))
            return $"the duration is at most {TimeSpan.FromMilliseconds(most):c}";
        return WholeSeconds && value.Ticks % TimeSpan.TicksPerSecond != 0 ? "write whole seconds (hh:mm:ss)" : null;
    }
}
