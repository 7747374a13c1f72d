namespace NsBridge.Metrics;

/// <summary>How many clients ended how; these never count the ones still open.</summary>
/// <param name="Served">Reached their target and have ended.</param>
/// <param name="Refused">Closed before anything was dialled.</param>
/// <param name="Failed">Their target could not be reached.</param>
internal readonly record struct ConnectionResult(long Served, long Refused, long Failed);
