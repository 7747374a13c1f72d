using NsBridge.HotRestart;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>One half of a bridge.</summary>
internal interface IBridgeHalf
{
    /// <summary>The half's namespace went away or became another.</summary>
    void OnNamespaceChanged();

    /// <summary>The listening sockets that the half has bound itself, for the process's restart; they stay the half's.</summary>
    /// <remarks>Only those of the daemon's own network namespace: these close by <see cref="UnbindAsync"/> alone, so the caller may use
    /// them until it calls that. A socket of another namespace is closed when that namespace goes, and its number may be a client's by
    /// then.</remarks>
    Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync();

    /// <summary>Stops listening for good and gives the sockets to the <see cref="InheritedListeners"/>; connections go on.</summary>
    Task UnbindAsync();
}

/// <summary>The half that has the bridge's listeners and connects to its UNIX socket.</summary>
internal interface IOuterHalf : IBridgeHalf
{
    /// <summary>Whether it listens, on one address at least. Any thread may ask.</summary>
    bool IsBound { get; }

    /// <summary>Why it does not listen, or not everywhere; the caller repeats <see cref="BindAsync"/>.</summary>
    StateReason? BindTrouble { get; }

    /// <summary>Why it cannot pass clients on; it retries by itself. Null if it can.</summary>
    StateReason? JoinTrouble { get; }

    /// <summary>Binds what is not bound. Called until there is no <see cref="BindTrouble"/>.</summary>
    Task BindAsync();
}

/// <summary>The half that has the bridge's UNIX socket and reaches the target inside the namespace.</summary>
internal interface IInnerHalf : IBridgeHalf
{
    /// <summary>Where an outer half of this process finds the UNIX socket, whatever lies at its path. On the home loop.</summary>
    SockAddr SocketAddress { get; }

    /// <summary>Whether other processes find the UNIX socket at its path. Any thread may ask.</summary>
    bool IsSocketInPlace { get; }

    /// <summary>Begins to serve the UNIX socket.</summary>
    /// <exception cref="BridgeSetupException">The kernel has no memory or no watch for it.</exception>
    Task StartAsync();

    /// <summary>Makes the UNIX socket again after its file was removed or replaced. Connections go on.</summary>
    /// <exception cref="BridgeSetupException">It cannot be made; the old one stays, for the clients that have it.</exception>
    Task MakeSocketAnewAsync();

    /// <summary>Adopts new settings of the target and its limits.</summary>
    void Change();

    /// <summary>Ends what still runs and leaves the loops.</summary>
    Task AbortAsync();
}

/// <summary>A half with connections that another bridge, or the next process, can continue.</summary>
internal interface IConnectionCarrier
{
    /// <summary>Stops its connections at a message boundary and gives them away.</summary>
    Task<IEnumerable<ConnectionSnapshot>> SuspendAsync();

    /// <summary>Gives away the clients without a target; the others go on. The half has to be unbound.</summary>
    Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync();

    /// <summary>Continues connections that were given away.</summary>
    /// <returns>Those it has no use for because the bridge joins its halves in another way now; they remain the caller's.</returns>
    Task<IReadOnlyList<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried);
}

/// <summary>An outer half that carries connections.</summary>
internal interface IOuterCarrier : IConnectionCarrier
{
    /// <summary>Adopts new settings; connections go on.</summary>
    void Change();

    /// <summary>How many clients an inner half of another process has taken over: they are not this process's to end.</summary>
    Task<int> HandedOffCountAsync();

    /// <summary>Resumed clients came by listeners in these namespaces: each stays while its namespace is the listeners', or no answer is
    /// known yet.</summary>
    void TrackClientNamespaces(IReadOnlySet<ulong> namespaces);

    /// <summary>Ends the clients that still wait to be passed on.</summary>
    Task AbortAsync();
}

/// <summary>An inner half that carries connections.</summary>
internal interface IInnerCarrier : IConnectionCarrier
{
    /// <summary>The listeners' namespace has gone: ends the TCP clients whose sockets belong to it.</summary>
    /// <param name="cookie">The namespace.</param>
    void AbortClientsIn(ulong cookie);
}
