using NsBridge.Bridges.Connecting;
using NsBridge.HotRestart;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

/// <summary>How the outer half passes admitted clients through the bridge's UNIX socket. On the bridge's home loop.</summary>
internal interface IJoin
{
    /// <summary>Passes clients on; they belong to the join from here on, whatever becomes of them.</summary>
    /// <param name="accepted">The clients.</param>
    /// <param name="age">Milliseconds that they have waited already.</param>
    void Pass(ReadOnlySpan<AcceptedClient> accepted, long age = 0);

    /// <summary>The bridge's settings are new ones.</summary>
    void Change();

    /// <summary>Resets the clients it still holds who are in a network namespace that has gone.</summary>
    /// <returns>How many there were.</returns>
    int AbortClientsIn(ulong cookie);

    /// <summary>Why nobody can be passed on now; null where all is well.</summary>
    StateReason? Trouble { get; }

    /// <summary>How many of its clients another inner half has taken over: they are not its own to end.</summary>
    int HandedOffCount => 0;

    /// <summary>Brings its connections to rest, gives them away and leaves the loop.</summary>
    IEnumerable<ConnectionSnapshot> Suspend();

    /// <summary>Gives away the clients it still holds who have not been passed on.</summary>
    IEnumerable<ConnectionSnapshot> ReleasePending();

    /// <summary>Goes on with a relay that was given away.</summary>
    /// <returns>False where it relays nothing.</returns>
    bool Resume(RelayState state);

    /// <summary>Resets what it still holds and closes its sockets.</summary>
    void Stop();
}
