using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Relaying.Udp;

/// <summary>Who decides about the flows of a <see cref="FlowTable"/> and finds their sockets. Called on the table's loop.</summary>
public interface IFlowOwner
{
    /// <summary>Whether a client may have flows at all. Asked before room is made for one.</summary>
    bool IsWelcome(PeerAddress peer);

    /// <summary>Whether a client that is welcome may have one flow more. Each that may is told to <see cref="OnEnded"/>.</summary>
    bool Admit(PeerAddress peer);

    /// <summary>
    /// New flows that came together need their sockets: each gets one by <see cref="UdpFlow.Open"/>, is ended, or is left to wait.
    /// </summary>
    void OnBegun(ReadOnlySpan<UdpFlow> flows);

    /// <summary>The target has answered for the first time.</summary>
    void OnAnswered(UdpFlow flow);

    /// <summary>The target's side failed, as by ICMP. The flow is to be ended, or to be given another socket.</summary>
    void OnFailed(UdpFlow flow, Errno error);

    /// <summary>Datagrams could not be passed on: more than the way has room for, or longer ones.</summary>
    void OnDropped(Errno error, bool towardsTarget);

    /// <summary>A flow has ended and its socket is closed. Told once for each that was admitted.</summary>
    void OnEnded(UdpFlow flow, RelayOutcome outcome);
}
