using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>The inner half's UNIX listener: tells outer halves from local clients.</summary>
/// <param name="door">Whose listener it is.</param>
/// <param name="loop">The loop it lives on.</param>
/// <param name="listener">A listening UNIX socket, owned from here on.</param>
/// <param name="descriptors">Told of shortages.</param>
/// <param name="hasRoomAlready">Whether those who come were let in by this process, with room for this leg too: to keep them waiting here would keep the room taken.</param>
internal sealed class JoinListener(IJoinServer door, EventLoop loop, int listener, DescriptorBudget descriptors, bool hasRoomAlready)
    : Acceptor(loop, listener, descriptors)
{
    protected override bool HasRoom => hasRoomAlready || base.HasRoom;

    protected override void OnAccepted(int descriptor, in SockAddr peer) => door.OnAccepted(descriptor, JoinPeerName.Of(peer));
}
