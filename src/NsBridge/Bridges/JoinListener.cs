using NsBridge.Linux.Interop;
using NsBridge.Relaying;

namespace NsBridge.Bridges;

/// <summary>The inner half's UNIX listener: tells outer halves from local clients.</summary>
internal sealed class JoinListener(IJoinDoor door, EventLoop loop, int listener, DescriptorPressure descriptors)
    : Acceptor(loop, listener, descriptors)
{
    protected override void OnAccepted(int descriptor, in SockAddr peer) => door.OnAccepted(descriptor, JoinName.Of(peer));
}
