namespace NsBridge.Relaying.Udp;

/// <summary>The lists that a flow is in at the same time.</summary>
internal enum FlowOrder
{
    /// <summary>Among all flows of its table.</summary>
    OfAll,

    /// <summary>Among those of its client's address.</summary>
    OfClient,
}
