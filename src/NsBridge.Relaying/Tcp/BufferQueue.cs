namespace NsBridge.Relaying.Tcp;

/// <summary>Received buffers of one direction, in the order of their bytes; linked within <see cref="MessageRing"/>.</summary>
internal struct BufferQueue
{
    internal int Count;
    internal ushort First;
    internal ushort Last;

    /// <summary>Bytes of the first buffer that are gone already.</summary>
    internal int Offset;

    internal readonly bool IsEmpty => Count == 0;
}
