using NsBridge.Control;

namespace NsBridge.Commands.Status;

/// <summary>An answer of the daemon, and when it came.</summary>
/// <param name="Document">What it said.</param>
/// <param name="Time">A <see cref="TimeProvider"/> timestamp.</param>
internal sealed record StatusSample(StatusDocument Document, long Time)
{
    /// <summary>Bytes a second that a bridge has moved since <paramref name="earlier"/>; null where that cannot be told.</summary>
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
