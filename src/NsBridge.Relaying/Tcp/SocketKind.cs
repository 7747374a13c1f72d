using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>What a relay needs to know of a socket's kind.</summary>
public enum SocketKind : byte
{
    /// <summary>A TCP connection.</summary>
    Tcp,

    /// <summary>A UNIX stream socket of a program we know nothing of.</summary>
    Unix,

    /// <summary>A UNIX stream socket whose other end is a half of a bridge: it understands <see cref="ResetMark"/>.</summary>
    UnixHalf,
}
