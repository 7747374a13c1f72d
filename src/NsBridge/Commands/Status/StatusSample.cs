using NsBridge.Control;

namespace NsBridge.Commands.Status;

/// <summary>Bytes a second.</summary>
internal readonly record struct ByteRates(double ToTarget, double ToClient);

/// <summary>An answer of the daemon, and the <see cref="TimeProvider"/> timestamp at which it came.</summary>
internal sealed record StatusSample(StatusDocument Document, long Time)
{
    /// <summary>Bytes a second that a bridge has moved since <paramref name="earlier"/>; null if that is not known.</summary>
    public ByteRates? RatesSince(StatusSample? earlier, BridgeStatus bridge, TimeProvider clock)
    {
        if (earlier is null || earlier.Document.Pid != Document.Pid)
            return null;
        BridgeStatus? before = earlier.Document.Bridges.FirstOrDefault(candidate => candidate.Name == bridge.Name);
        double seconds = clock.GetElapsedTime(earlier.Time, Time).TotalSeconds;
        if (before is null || seconds <= 0)
            return null;
        long toTarget = bridge.Bytes.ToTarget - before.Bytes.ToTarget;
        long toClient = bridge.Bytes.ToClient - before.Bytes.ToClient;
        // Counts that fell belong to another bridge of that name: the configuration was changed in between.
        return toTarget < 0 || toClient < 0 ? null : new ByteRates(toTarget / seconds, toClient / seconds);
    }
}
