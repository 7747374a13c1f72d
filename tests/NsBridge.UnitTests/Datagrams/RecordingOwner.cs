using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Relaying.Udp;

namespace NsBridge.UnitTests.Datagrams;

/// <summary>Connects each flow to one target on loopback, and remembers what it is told. On the loop's thread.</summary>
internal sealed class RecordingOwner(int target) : IFlowOwner
{
    /// <summary>Leaves new flows waiting.</summary>
    public bool Holds { get; set; }

    public List<DatagramFlow> Begun { get; } = [];

    public List<RelayEnding> Endings { get; } = [];

    public List<Errno> Failures { get; } = [];

    public bool IsWelcome(PeerAddress peer) => true;

    public bool Admit(PeerAddress peer) => true;

    public void OnBegun(ReadOnlySpan<DatagramFlow> flows)
    {
        foreach (var flow in flows)
        {
            Begun.Add(flow);
            if (!Holds)
                Open(flow);
        }
    }

    public void Open(DatagramFlow flow)
    {
        var socket = LoopbackPair.Bound();
        LoopbackPair.Connect(socket, target);
        flow.Open(socket, 1, 0);
    }

    public void OnAnswered(DatagramFlow flow)
    {
    }

    public void OnFailed(DatagramFlow flow, Errno error)
    {
        Failures.Add(error);
        flow.End(new RelayOutcome(RelayEnding.TargetReset, error));
    }

    public void OnDropped(Errno error, bool towardsTarget)
    {
    }

    public void OnEnded(DatagramFlow flow, RelayOutcome outcome) => Endings.Add(outcome.Ending);
}
