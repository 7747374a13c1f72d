using NsBridge.Bridges.Connecting;
using NsBridge.HotRestart;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

/// <summary>Passes the outer half's admitted clients through the bridge's UNIX socket. On the bridge's home loop.</summary>
internal interface IJoin
{
    /// <summary>Passes clients on; the join owns their sockets from here on.</summary>
    /// <param name="accepted">The clients.</param>
    /// <param name="age">Milliseconds that they have waited already.</param>
    void Pass(ReadOnlySpan<AcceptedClient> accepted, long age = 0);

    /// <summary>The bridge has new settings.</summary>
    void OnSettingsChanged();

    /// <summary>Resets the clients it still owns in a network namespace that has gone.</summary>
    /// <returns>How many there were.</returns>
    int AbortClientsIn(ulong cookie);

    /// <summary>Why no client can be passed on now; null if one can.</summary>
    StateReason? Trouble { get; }

    /// <summary>How many of its clients an inner half of another process has taken over: they are not this process's to end.</summary>
    int HandedOffCount { get; }

    /// <inheritdoc cref="IConnectionList.ConnectionsAsync"/>
    Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync();

    /// <inheritdoc cref="IConnectionList.EndAsync"/>
    int End(ConnectionFilter filter);

    /// <summary>Stops its connections at a message boundary, gives them away and leaves the loop.</summary>
    IEnumerable<ConnectionSnapshot> Suspend();

    /// <summary>Gives away the clients that have not been passed on.</summary>
    IEnumerable<ConnectionSnapshot> ReleasePending();

    /// <summary>Continues a relay that was given away.</summary>
    /// <returns>False if the join relays nothing; the relay remains the caller's.</returns>
    bool Resume(RelayState state);

    /// <summary>Resets the clients it still owns and closes its sockets.</summary>
    void Stop();
}
