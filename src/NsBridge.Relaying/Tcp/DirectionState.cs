namespace NsBridge.Relaying.Tcp;

/// <summary>One direction of a suspended relay.</summary>
/// <param name="Pending">Bytes that were read and that the other side has not taken yet; empty where there are none.</param>
/// <param name="Ended">The last byte was read: what follows the pending ones is the end.</param>
/// <param name="Closed">The end was passed on: nothing moves any more.</param>
public readonly record struct DirectionState(byte[] Pending, bool Ended, bool Closed)
{
    /// <summary>A direction in which nothing has happened, or everything that came was passed on.</summary>
    public static DirectionState Open { get; } = new([], false, false);
}
