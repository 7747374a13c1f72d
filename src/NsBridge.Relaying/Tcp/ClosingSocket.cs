using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

/// <summary>
/// A TCP socket of a foreign network namespace whose relay is over and whose peer has not acknowledged every byte and the FIN.
/// </summary>
/// <remarks>
/// A closed socket would live on in the kernel, where no process can end it, and keep its namespace alive when that is deleted: for minutes if the
/// peer takes nothing. So the socket stays open until its send queue is empty (SIOCOUTQ = 0), and is reset with its namespace as
/// connections are. It is no connection any more: nothing counts it as one.
/// </remarks>
internal sealed class ClosingSocket : EventSource
{
    private const int CheckMilliseconds = 250;

    /// <summary>How long the kernel keeps a socket that was left to it and whose peer takes nothing.</summary>
    private const int KernelTimeoutMilliseconds = 30_000;

    /// <summary>The same if only the FIN is unacknowledged: a peer that does not acknowledge a FIN is gone.</summary>
    private const int KernelFinTimeoutMilliseconds = 3000;

    private readonly RelayGroup _group;
    private readonly int _descriptor;
    private long _lastProgress;
    private int _unackedBytes;

    internal ClosingSocket(RelayGroup group, int descriptor, ulong cookie, bool isClient, long lastByte)
    {
        _group = group;
        _descriptor = descriptor;
        Cookie = cookie;
        IsClient = isClient;
        _lastProgress = lastByte;
        _unackedBytes = Libc.UnackedBytes(descriptor);
        StartTimer();
    }

    /// <summary>The socket's network namespace.</summary>
    internal ulong Cookie { get; }

    /// <summary>Whether it is a client's socket, or a target's.</summary>
    internal bool IsClient { get; }

    private long UntilIdle => _group.IdleTimeout > 0 ? _group.IdleTimeout - (_group.Loop.Now - _lastProgress) : long.MaxValue;

    protected internal override void OnEvents(uint events, int end)
    {
    }

    protected internal override void OnTimer()
    {
        int unacked = Libc.UnackedBytes(_descriptor);
        if (unacked < _unackedBytes)
            _lastProgress = _group.Loop.Now;
        _unackedBytes = unacked;
        if (Libc.TcpState(_descriptor) is not (Libc.TCP_FIN_WAIT1 or Libc.TCP_CLOSING or Libc.TCP_LAST_ACK))
            Close(withReset: false);
        else if (UntilIdle <= 0)
            Reset();
        else
            StartTimer();
    }

    private void StartTimer() => _group.Loop.SetTimer(this, Math.Clamp(UntilIdle, 1, CheckMilliseconds));

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
