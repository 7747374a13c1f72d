using NsBridge.Linux.Interop;

namespace NsBridge.Relaying;

/// <summary>
/// TCP sockets of relays that are over, in other network namespaces than the daemon's own, whose peers have not taken every byte or the end yet. Closed,
/// they would live on in the kernel, where nobody can end them, and keep their namespace alive when it is deleted: for minutes, where the peer takes
/// nothing. So they stay open until all is taken. On the loop's thread.
/// </summary>
internal sealed class Lingering : EventSource
{
    /// <summary>So many at a time: the process's descriptors are for clients.</summary>
    private const int Most = 64;

    private const int LookMilliseconds = 250;

    /// <summary>Once nobody looks after a socket any more the kernel does, for as long as its peer goes on taking.</summary>
    private const int PatienceOfTheKernelMilliseconds = 30_000;

    /// <summary>Where the peer has all but the end: nobody is slow to take that, so he has gone.</summary>
    private const int PatienceForTheEndMilliseconds = 3000;

    private readonly record struct Leg(int Descriptor, ulong Cookie, bool IsClient);

    private readonly EventLoop _loop;
    private readonly List<Leg> _legs = [];

    internal Lingering(EventLoop loop) => _loop = loop;

    /// <summary>Keeps a socket until its last byte and its end are taken.</summary>
    /// <param name="descriptor">The socket, whose end was sent; owned from here on and watched by nobody.</param>
    /// <param name="cookie">Its network namespace.</param>
    /// <param name="isClient">Whether it is the client's; else, the target's.</param>
    internal void Add(int descriptor, ulong cookie, bool isClient)
    {
        if (_legs.Count == 0)
        {
            _loop.Attach(this);
            _loop.SetTimer(this, LookMilliseconds);
        }
        else if (_legs.Count == Most)
        {
            LeaveToTheKernel(_legs[0]);
            _legs.RemoveAt(0);
        }
        _legs.Add(new Leg(descriptor, cookie, isClient));
    }

    protected internal override void OnTimer()
    {
        Remove(leg => Libc.TcpState(leg.Descriptor) is not (Libc.TCP_FIN_WAIT1 or Libc.TCP_CLOSING or Libc.TCP_LAST_ACK), leg => Libc.Close(leg.Descriptor));
        if (_legs.Count > 0)
            _loop.SetTimer(this, LookMilliseconds);
    }

    protected internal override void OnEvents(uint events, int end)
    {
    }

    /// <summary>Resets the targets' sockets in every namespace but one.</summary>
    internal void ResetTargetsBut(ulong cookie) => Remove(leg => !leg.IsClient && leg.Cookie != cookie, Reset);

    /// <summary>Resets the clients' sockets in a namespace.</summary>
    internal void ResetClientsIn(ulong cookie) => Remove(leg => leg.IsClient && leg.Cookie == cookie, Reset);

    /// <summary>Leaves all of them to the kernel, which gives up where a peer takes nothing.</summary>
    internal void LetGo() => Remove(static _ => true, LeaveToTheKernel);

    private static void Reset(Leg leg) => Libc.CloseWithReset(leg.Descriptor);

    private static void LeaveToTheKernel(Leg leg)
    {
        int patience = Libc.Untaken(leg.Descriptor) > 1 ? PatienceOfTheKernelMilliseconds : PatienceForTheEndMilliseconds;
        Libc.SetOption(leg.Descriptor, Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, patience);
        Libc.Close(leg.Descriptor);
    }

    private void Remove(Predicate<Leg> which, Action<Leg> close)
    {
        bool hadSome = _legs.Count > 0;
        foreach (Leg leg in _legs.FindAll(which))
        {
            close(leg);
            _legs.Remove(leg);
        }
        if (hadSome && _legs.Count == 0)
            _loop.Detach(this);
    }
}
