namespace NsBridge.Linux;

/// <summary>What a <see cref="BoundSocket"/> speaks.</summary>
public enum BoundSocketKind
{
    Tcp,
    Udp,

    /// <summary>A UNIX stream socket.</summary>
    Unix,
}
