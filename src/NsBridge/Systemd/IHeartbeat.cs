namespace NsBridge.Systemd;

/// <summary>The pulse of the parts that do the work.</summary>
internal interface IHeartbeat
{
    /// <summary>Completes once every event loop has taken a turn since the call. A stuck loop leaves it incomplete.</summary>
    Task BeatAsync(CancellationToken cancellationToken);
}
