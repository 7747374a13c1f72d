using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Connecting;

/// <summary>Asks a TCP bridge's target each <c>Probe</c> whether it accepts connections, unless a client has just found out. On the home
/// loop.</summary>
/// <remarks>The socket is reset before the last segment of the handshake, so that the program behind a TCP port notices nothing. One on a
/// UNIX socket sees a connection that ends at once.</remarks>
internal sealed class TargetProbe(IBridgeContext bridge, IConnectionEvents events, EventLoop loop, NamespaceTracker place) : EventSource
{
    private ConnectTarget _target = ConnectTarget.ToTarget(bridge.Settings);
    private int _address;
    private int _socket = -1;
    private long _connects;
    private bool _isStopped;

    private bool IsTcp => _target.Family(_address) != Libc.AF_UNIX;

    /// <summary>Adopts the settings and the namespace as they are now, and asks at once.</summary>
    public void Restart()
    {
        if (_isStopped)
            return;
        Close();
        _target = ConnectTarget.ToTarget(bridge.Settings);
        _address = 0;
        if (bridge.Settings.Probe > TimeSpan.Zero)
            Ask();
        else
            events.OnTarget(TargetState.Unknown, "");
    }

    /// <summary>Asks no more.</summary>
    public void Stop()
    {
        Close();
        _isStopped = true;
        events.OnTarget(TargetState.Unknown, "");
    }

    protected override void OnTimer()
    {
        if (_socket >= 0)
            Conclude(Errno.ETIMEDOUT);
        else if (bridge.Counters.Connects != _connects && bridge.Counters.LastFailure is null)
            Learn(TargetState.Answers);
        else
            Ask();
    }

    protected override void OnEvents(uint events, int end) => Conclude(Libc.PendingError(_socket));

    private void Ask()
    {
        Span<int> made = stackalloc int[1];
        if (place.OpenSockets(_target.Family(_address), Libc.SOCK_STREAM, made, out _, out EnterFailure failure) == 0)
        {
            // A shortage of descriptors shows nothing about the target.
            Learn(failure.IsExhaustion ? bridge.Counters.TargetState : TargetState.Unknown);
            return;
        }
        _socket = made[0];
        loop.Attach(this);
        loop.SetTimer(this, (long)_target.ConnectTimeout.TotalMilliseconds);
        // The kernel then keeps the last segment of the handshake back for data to come, for 40 ms at least.
        if (IsTcp)
            Libc.SetOption(_socket, Libc.IPPROTO_TCP, Libc.TCP_QUICKACK, 0);
        int result = _target.Address(_socket, _address, 0, out SockAddr address);
        if (result >= 0)
            result = Libc.Connect(_socket, address);
        if (IsTcp && ConnectTarget.IsSelfConnection(_socket, address))
            result = -(int)Errno.ECONNREFUSED;
        if (result == -(int)Errno.EINPROGRESS)
            result = loop.Watch(this, 0, _socket, Libc.EPOLLOUT);
        else if (result >= 0)
            Conclude(Errno.None);
        if (result < 0)
            Conclude(Libc.ErrorOf(result));
    }

    private void Conclude(Errno error)
    {
        Close();
        if (error != Errno.None && _address + 1 < _target.AddressCount)
        {
            _address++;
            Ask();
            return;
        }
        _address = 0;
        Learn(
            error switch
            {
                Errno.None => TargetState.Answers,
                Errno.ECONNREFUSED or Errno.ENOENT or Errno.EACCES => TargetState.Refuses,
                // A shortage of this process, or of its user.
                Errno.ENOSPC or Errno.ENOMEM => bridge.Counters.TargetState,
                _ => TargetState.Silent,
            },
            error);
    }

    private void Learn(TargetState state, Errno error = Errno.None)
    {
        _connects = bridge.Counters.Connects;
        loop.SetTimer(this, (long)bridge.Settings.Probe.TotalMilliseconds);
        events.OnTarget(state, error == Errno.None ? "" : ErrnoText.Connect(_target.Describe(0), error));
    }

    private void Close()
    {
        loop.ClearTimer(this);
        if (_socket < 0)
            return;
        loop.Detach(this);
        Libc.CloseWithReset(_socket);
        _socket = -1;
    }
}
