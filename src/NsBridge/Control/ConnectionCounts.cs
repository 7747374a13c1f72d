namespace NsBridge.Control;

/// <summary>The clients of a bridge in <see cref="BridgeStatus"/>.</summary>
/// <param name="Active">Open now.</param>
/// <param name="Total">All that ever came.</param>
/// <param name="Refused">Closed before anything was dialled.</param>
/// <param name="Failed">Without a target that could be reached.</param>
internal sealed record ConnectionCounts(long Active, long Total, long Refused, long Failed);
