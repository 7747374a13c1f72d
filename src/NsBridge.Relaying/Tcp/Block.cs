namespace NsBridge.Relaying.Tcp;

/// <summary>A piece of native memory borrowed from a <see cref="BlockPool"/>.</summary>
/// <param name="Address">Where it begins.</param>
/// <param name="Size">Bytes.</param>
internal readonly record struct Block(nint Address, int Size)
{
    internal bool IsNone => Address == 0;
}
