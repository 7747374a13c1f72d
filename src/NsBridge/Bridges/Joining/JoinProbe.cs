using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Joining;

/// <summary>Probes once a second whether a UNIX socket that could not be reached is served again. On the loop's thread.</summary>
internal sealed class JoinProbe
{
    private const int Period = 1000;

    private readonly Func<SockAddr> _address;
    private readonly Action _found;
    private readonly LoopTimer _timer;

    public JoinProbe(EventLoop loop, Func<SockAddr> address, Action found)
    {
        _address = address;
        _found = found;
        _timer = new LoopTimer(loop, Probe);
    }

    /// <summary>Begins to probe. Repeated calls do nothing.</summary>
    public void Start() => _timer.SetOnce(Period);

    /// <summary>Ends probing. Repeated calls do nothing.</summary>
    public void Stop() => _timer.Clear();

    private void Probe()
    {
        int result = SocketProbe.Ask(_address(), out _);
        if (result < 0 && result != -(int)Errno.EAGAIN)
            _timer.Set(Period);
        else
            _found();
    }
}
