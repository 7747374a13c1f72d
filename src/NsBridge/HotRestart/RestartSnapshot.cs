namespace NsBridge.HotRestart;

/// <summary>What a process leaves to the one that takes its place.</summary>
/// <param name="Listeners">Its listening sockets.</param>
/// <param name="Connections">Its live connections.</param>
internal sealed record RestartSnapshot(IReadOnlyList<ListenerSnapshot> Listeners, IReadOnlyList<ConnectionSnapshot> Connections)
{
    public static RestartSnapshot Empty { get; } = new([], []);

    /// <summary>Every descriptor in it, in the order of the format.</summary>
    public IEnumerable<int> Descriptors() =>
        Listeners.Select(listener => listener.Descriptor).Concat(Connections.SelectMany(connection => connection.HasTarget
            ? (IEnumerable<int>)[connection.Relay.Client, connection.Relay.Target]
            : [connection.Relay.Client]));
}
