using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

/// <summary>A TCP socket of a foreign network namespace whose relay is over and whose peer has not acknowledged every byte and the
/// FIN.</summary>
/// <remarks>A closed socket would live on in the kernel, where no process can end it, and keep its namespace alive when that is deleted:
/// for minutes if the peer takes nothing. So the socket stays open until its send queue is empty, and is reset with its namespace as
/// connections are. It is not counted as a connection.</remarks>
internal sealed class ClosingSocket : EventSource
{
    private const int CheckMilliseconds = 250;

    /// <summary>How long the kernel keeps a socket that was left to it and whose peer takes nothing.</summary>
    private const int KernelTimeoutMilliseconds = 30_000;

    /// <summary>The same if only the FIN is unacknowledged: a peer that does not acknowledge a FIN is gone.</summary>
    private const int KernelFinTimeoutMilliseconds = 3000;

    private readonly RelayGroup _group;
    private readonly int _descriptor;
    private IdleTimer _idle;

    internal ClosingSocket(RelayGroup group, int descriptor, ulong cookie, bool isClient, IdleTimer idle)
    {
        _group = group;
        _descriptor = descriptor;
        Cookie = cookie;
        IsClient = isClient;
        _idle = idle;
        _idle.Check(group.Loop.Now, Libc.UnackedBytes(descriptor));
        StartTimer();
    }

    /// <summary>The socket's network namespace.</summary>
    internal ulong Cookie { get; }

    /// <summary>Whether it is a client's socket, or a target's.</summary>
    internal bool IsClient { get; }

    protected internal override void OnEvents(uint events, int end)
    {
    }

    protected internal override void OnTimer()
    {
        long now = _group.Loop.Now;
        _idle.Check(now, Libc.UnackedBytes(_descriptor));
        if (Libc.TcpState(_descriptor) is not (Libc.TCP_FIN_WAIT1 or Libc.TCP_CLOSING or Libc.TCP_LAST_ACK))
            Close(withReset: false);
        else if (_idle.IsIdle(now, _group.IdleTimeout) || _group.HasVanished(_descriptor))
            Reset();
        else
            StartTimer();
    }

    private void StartTimer()
    {
        long next = _group.IdleTimeout > 0 ? _idle.Next(_group.Loop.Now, _group.IdleTimeout) : CheckMilliseconds;
        _group.Loop.SetTimer(this, Math.Min(next, CheckMilliseconds));
    }

    internal void Reset() => Close(withReset: true);

    /// <summary>Leaves the socket to the kernel, which ends it if its peer takes nothing.</summary>
    internal void HandToKernel()
    {
        int timeout = Libc.UnackedBytes(_descriptor) > 1 ? KernelTimeoutMilliseconds : KernelFinTimeoutMilliseconds;
        Libc.SetOption(_descriptor, Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, timeout);
        Close(withReset: false);
    }

    private void Close(bool withReset)
    {
        _group.Loop.ClearTimer(this);
        if (withReset)
            Libc.CloseWithReset(_descriptor);
        else
            Libc.Close(_descriptor);
        _group.OnClosed(this);
    }
}
