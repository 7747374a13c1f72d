using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.ComponentTests.HotRestart;

/// <summary>A connection of the process before, between two UNIX sockets whose other ends the test has.</summary>
internal static class SuspendedPair
{
    /// <param name="kind">What both sockets are.</param>
    /// <param name="cookie">The namespace of the target's.</param>
    /// <param name="clientsPeer">The client's own end.</param>
    /// <param name="targetsPeer">The target's own end.</param>
    internal static ConnectionSnapshot Make(SocketKind kind, ulong cookie, out int clientsPeer, out int targetsPeer)
    {
        Assert.That(Libc.SocketPair(Libc.SOCK_STREAM, out int client, out clientsPeer), Is.Zero);
        Assert.That(Libc.SocketPair(Libc.SOCK_STREAM, out int target, out targetsPeer), Is.Zero);
        return new ConnectionSnapshot("web", ConnectionRole.Inner, new RelayState
        {
            Client = client,
            Target = target,
            ClientKind = kind,
            TargetKind = kind,
            Peer = PeerAddress.Unix,
            Cookie = cookie,
        });
    }
}
