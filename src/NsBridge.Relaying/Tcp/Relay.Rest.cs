using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp;

// How a relay comes to rest and goes on, in this process or another.
public sealed partial class Relay
{
    /// <summary>Gives everything away that is known of the connection. The sockets stay open, and are not this relay's any more.</summary>
    /// <returns>Null where the relay has ended, for want of memory, or was over.</returns>
    internal RelayState? Suspend()
    {
        if (IsClosing)
        {
            LetGo();
            return null;
        }
        if (_onRing && !Withdraw())
            return null;
        var state = new RelayState
        {
            Client = _client.Descriptor,
            Target = _target.Descriptor,
            ClientKind = _client.Kind,
            TargetKind = _target.Kind,
            ClientFailed = _client.Failed,
            TargetFailed = _target.Failed,
            Peer = Peer,
            Cookie = Cookie,
            ConnectionId = ConnectionId,
            ToTarget = _toTarget.Save(),
            ToClient = _toClient.Save(),
            BytesToTarget = BytesToTarget,
            BytesToClient = BytesToClient,
            Settled = _settled,
            Idle = _group.Loop.Now - _lastByte,
        };
        ReturnStore(ref _toTarget);
        ReturnStore(ref _toClient);
        return state;
    }

    /// <summary>Goes on with a suspended relay: watches its sockets anew, which tells what happened on them meanwhile.</summary>
    internal void Resume(RelayState state, ulong connectionId)
    {
        Peer = state.Peer;
        Cookie = state.Cookie;
        ConnectionId = connectionId;
        BytesToTarget = state.BytesToTarget;
        BytesToClient = state.BytesToClient;
        _client.Begin(state.Client, state.ClientKind, state.ClientFailed ? Libc.EPOLLERR : 0);
        _target.Begin(state.Target, state.TargetKind, state.TargetFailed ? Libc.EPOLLERR : 0);
        _toTarget = new RelayDirection { Ended = state.ToTarget.Ended, Closed = state.ToTarget.Closed };
        _toClient = new RelayDirection { Ended = state.ToClient.Ended, Closed = state.ToClient.Closed };
        _lastByte = _group.Loop.Now - state.Idle;
        _wrongPathCount = 0;
        _untaken = 0;
        _settled = state.Settled;
        if (_settled)
            RestartTimer();
        else
            StartSettling();
        if ((state.ToTarget.Pending.Length > 0 && !Hold(ref _toTarget, state.ToTarget.Pending))
            || (state.ToClient.Pending.Length > 0 && !Hold(ref _toClient, state.ToClient.Pending)))
        {
            return;
        }
        Watch();
    }
}
