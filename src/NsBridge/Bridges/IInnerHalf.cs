using NsBridge.Bridges.Joining;
using NsBridge.HotRestart;

namespace NsBridge.Bridges;

/// <summary>The part of a bridge that has its UNIX socket and reaches the target inside the namespace.</summary>
internal interface IInnerHalf
{
    /// <summary>Its UNIX socket.</summary>
    JoinSocket Socket { get; }

    /// <summary>Starts serving the UNIX socket.</summary>
    Task StartAsync();

    /// <summary>Takes over new settings of the target and its limits.</summary>
    void Change();

    /// <summary>The namespace went away or became another: what goes into the old one ends, unless it may drain.</summary>
    void OnNamespaceChanged();

    /// <summary>The listeners' namespace has gone, and the clients in it with it: what it still has of them is let go.</summary>
    /// <param name="cookie">The namespace.</param>
    void AbortClientsIn(ulong cookie);

    /// <summary>What it listens on; stays its own.</summary>
    Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync();

    /// <summary>Ends listening and gives its socket to <see cref="LoopGroup.Kept"/>; what can end by itself goes on.</summary>
    Task UnbindAsync();

    /// <summary>Brings its connections to rest and gives them away.</summary>
    Task<IEnumerable<ConnectionSnapshot>> SuspendAsync();

    /// <summary>Gives away the clients who have no target yet; the others go on. It has to be unbound.</summary>
    Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync();

    /// <summary>Goes on with connections that were given away.</summary>
    Task ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried);

    /// <summary>Ends what still runs and leaves the loops.</summary>
    Task AbortAsync();
}
