using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Joining;

/// <summary>Looks once a second whether a UNIX socket that could not be reached is there again. On the loop's thread.</summary>
/// <param name="loop">Where it lives.</param>
/// <param name="address">Where the socket is now.</param>
/// <param name="found">Called once somebody listens there; that ends the watch.</param>
internal sealed class JoinProbe(EventLoop loop, Func<SockAddr> address, Action found) : EventSource
{
    private const int Period = 1000;

    /// <summary>Begins to look. Again does nothing.</summary>
    public void Start()
    {
        if (IsAttached)
            return;
        loop.Attach(this);
        loop.SetTimer(this, Period);
    }

    /// <summary>Looks no more. Again does nothing.</summary>
    public void Stop()
    {
        if (IsAttached)
            loop.Detach(this);
    }

    protected override void OnTimer()
    {
        int result = SocketProbe.Ask(address(), out _);
        if (result < 0 && result != -(int)Errno.EAGAIN)
        {
            loop.SetTimer(this, Period);
            return;
        }
        Stop();
        found();
    }

    protected override void OnEvents(uint events, int end)
    {
    }
}
