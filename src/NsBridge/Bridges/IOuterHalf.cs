using NsBridge.Bridges.Joining;
using NsBridge.HotRestart;

namespace NsBridge.Bridges;

/// <summary>The part of a bridge that has its listeners and reaches the UNIX socket.</summary>
internal interface IOuterHalf
{
    /// <summary>Whether it listens. Any thread may ask.</summary>
    bool IsBound { get; }

    /// <summary>Why it does not listen, to be tried again by <see cref="BindAsync"/>; null where it does, or tries by itself.</summary>
    StateReason? BindTrouble { get; }

    /// <summary>Whether it does not listen because a privilege is missing.</summary>
    bool LacksPrivilege { get; }

    /// <summary>Why it cannot pass clients on, which it tries again by itself; null where all is well.</summary>
    StateReason? JoinTrouble { get; }

    /// <summary>Binds what is not bound. Called again until it succeeds, and whenever the listeners' namespace changed.</summary>
    Task BindAsync();

    /// <summary>The bridge's settings are new ones; connections go on.</summary>
    void Change();

    /// <summary>The namespace of the listeners changed: they go with it.</summary>
    void OnNamespaceChanged();

    /// <summary>What it listens on in the daemon's own network namespace and has bound by itself; stays its own.</summary>
    /// <remarks>
    /// Nothing closes these but <see cref="UnbindAsync"/>, so the caller may use them on any thread until it asks for that. What is bound in another namespace
    /// goes at the moment that one does, and its number may be a client's then.
    /// </remarks>
    Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync();

    /// <summary>Ends listening and gives its sockets to <see cref="LoopGroup.Kept"/>.</summary>
    Task UnbindAsync();

    /// <inheritdoc cref="IJoin.HandedOffCount"/>
    Task<int> ElsewhereAsync() => Task.FromResult(0);

    /// <summary>Brings its connections to rest and gives them away.</summary>
    Task<IEnumerable<ConnectionSnapshot>> SuspendAsync();

    /// <summary>Gives away the clients who have no target yet; the others go on. It has to be unbound.</summary>
    Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync();

    /// <summary>Goes on with connections that were given away.</summary>
    /// <returns>Those for which it has no use, because the bridge joins its halves in another way now; they are still the caller's.</returns>
    Task<IReadOnlyList<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried);

    /// <summary>Clients whom the bridge goes on with came by listeners in these namespaces: they stay where that is the listeners' still, or nobody can tell yet.</summary>
    void TrackClientNamespaces(IReadOnlySet<ulong> namespaces);

    /// <summary>Ends what still waits to be passed on.</summary>
    Task AbortAsync();
}
