using System.Diagnostics;

namespace NsBridge.Testing;

/// <summary>Waits for conditions, never for time alone.</summary>
public static class Eventually
{
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(10);

    /// <summary>Checks <paramref name="condition"/> every 10 ms until it holds.</summary>
    /// <returns>How long it took.</returns>
    /// <exception cref="TimeoutException">It did not hold within <paramref name="deadline"/>; <paramref name="what"/> names the
    /// condition.</exception>
    public static async Task<TimeSpan> TrueAsync(Func<Task<bool>> condition, TimeSpan deadline, Func<string> what)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await condition())
                return clock.Elapsed;
            if (clock.Elapsed > deadline)
                throw new TimeoutException($"Not within {deadline.TotalSeconds:0.#} s: {what()}");
            await Task.Delay(s_between);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, Func{string})"/>
    public static Task<TimeSpan> TrueAsync(Func<bool> condition, TimeSpan deadline, string what) =>
        TrueAsync(() => Task.FromResult(condition()), deadline, () => what);

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, Func{string})"/>
    public static Task<TimeSpan> TrueAsync(Func<Task<bool>> condition, TimeSpan deadline, string what) =>
        TrueAsync(condition, deadline, () => what);

    /// <summary>Waits until <paramref name="value"/> has not changed for <paramref name="quiet"/>, and returns it.</summary>
    /// <exception cref="TimeoutException">It still changes after <paramref name="deadline"/>.</exception>
    public static async Task<long> SteadyAsync(Func<long> value, TimeSpan quiet, TimeSpan deadline, string what)
    {
        long last = value();
        var since = Stopwatch.StartNew();
        await TrueAsync(
            () =>
            {
                long now = value();
                if (now != last)
                    since.Restart();
                last = now;
                return since.Elapsed >= quiet;
            },
            deadline,
            what);
        return last;
    }
}
