namespace NsBridge.Relaying.Halves;

/// <summary>Where a connection or a flow came from.</summary>
/// <param name="Peer">The client's address.</param>
/// <param name="Offset">The listener's position in the range of ports.</param>
/// <param name="Number">The owner's number of the connection.</param>
/// <param name="Id">The process's number of the connection, by which an operator names it; see <see cref="NextId"/>.</param>
/// <param name="Began">When the client came, as <see cref="EventLoops.EventLoop.Now"/>.</param>
public readonly record struct ConnectionOrigin(PeerAddress Peer, int Offset, ulong Number, ulong Id, long Began)
{
    private static ulong s_lastId;

    /// <summary>A number that no other connection or flow of the process has, or had. Any thread may call.</summary>
    public static ulong NextId() => Interlocked.Increment(ref s_lastId);
}
