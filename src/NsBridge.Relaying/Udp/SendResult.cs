using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Udp;

/// <summary>What became of an outbox.</summary>
internal struct SendResult
{
    /// <summary>Bytes that the socket has taken.</summary>
    internal long Bytes;

    /// <summary>The last error for which a message was not taken; None where all were.</summary>
    internal Errno Dropped;

    /// <summary>An error of the socket itself, such as an ICMP answer to an earlier datagram; the sending ended with it.</summary>
    internal Errno Failed;
}
