using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Udp;

namespace NsBridge.ComponentTests.Relaying.Udp;

/// <summary>Connects each flow to one target on loopback, and records all calls. On the loop's thread.</summary>
internal sealed class RecordingOwner(int target) : IFlowOwner
{
    /// <summary>Leaves new flows waiting.</summary>
    public bool Holds { get; set; }

    /// <summary>Precedes each flow's first datagram.</summary>
    public byte[] Header { get; set; } = [];

    public int Limit { get; set; } = int.MaxValue;

    public List<PeerAddress> Forged { get; } = [];

    public List<UdpFlow> Begun { get; } = [];

    public List<EndReason> Endings { get; } = [];

    public List<Errno> Failures { get; } = [];

    public List<Errno> Drops { get; } = [];

    public bool IsWelcome(PeerAddress peer) => true;

    public void OnForged(PeerAddress peer) => Forged.Add(peer);

    public bool Admit(PeerAddress peer) => true;

    public void OnBegun(ReadOnlySpan<UdpFlow> flows)
    {
        foreach (UdpFlow flow in flows)
        {
            Begun.Add(flow);
            if (!Holds)
                Open(flow);
        }
    }

    public void Open(UdpFlow flow)
    {
        int socket = LoopbackPair.Bound();
        Assert.That(Libc.LocalAddress(target, out SockAddr address), Is.Zero);
        Assert.That(Libc.Connect(socket, address.WithPort(0)), Is.Zero);
        Assert.That(Libc.LocalAddress(socket, out SockAddr own), Is.Zero);
        flow.Open(socket, address, own, 1, 0);
    }

    public int WriteHeader(UdpFlow flow, Span<byte> to)
    {
        Header.CopyTo(to);
        return Header.Length;
    }

    public void OnAnswered(UdpFlow flow)
    {
    }

    public void OnFailed(UdpFlow flow, Errno error)
    {
        Failures.Add(error);
        flow.End(new RelayOutcome(EndReason.TargetReset, error));
    }

    public void OnDropped(Errno error, bool towardsTarget) => Drops.Add(error);

    public void OnEnded(UdpFlow flow, RelayOutcome outcome) => Endings.Add(outcome.Ending);
}
