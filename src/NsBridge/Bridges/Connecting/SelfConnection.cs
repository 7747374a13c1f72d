using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Connecting;

/// <summary>
/// A socket that is connected to itself. A target's port may be one of those that the kernel gives to who connects; where nobody listens there, the
/// socket that dials can get that very port, and meets itself (TCP by a simultaneous open). Its client would hear himself, and the service could not
/// bind.
/// </summary>
internal static class SelfConnection
{
    /// <summary>Whether a socket that has begun to connect got its target's own address and port.</summary>
    public static bool IsOne(int socket, in SockAddr target) => Libc.LocalAddress(socket, out SockAddr own) >= 0 && own.Port == target.Port && own.IsSameHost(target);
}
