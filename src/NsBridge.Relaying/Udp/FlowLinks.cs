namespace NsBridge.Relaying.Udp;

/// <summary>A flow's neighbours in one <see cref="FlowList"/>.</summary>
internal struct FlowLinks
{
    internal DatagramFlow? Next;
    internal DatagramFlow? Previous;
}
