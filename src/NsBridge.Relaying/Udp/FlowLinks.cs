namespace NsBridge.Relaying.Udp;

/// <summary>A flow's neighbours in one <see cref="FlowList"/>.</summary>
internal struct FlowLinks
{
    internal UdpFlow? Next;
    internal UdpFlow? Previous;
}
