using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Listening;
using NsBridge.Bridges.Tcp;
using NsBridge.Bridges.Udp;
using NsBridge.Configuration.Values;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>Makes the halves of a bridge for its protocol.</summary>
internal sealed class HalfFactory(LoopGroup loops, NamespaceWatch namespaces, DescriptorBudget descriptors, ListeningSockets listening)
{
    /// <exception cref="BridgeSetupException">The UNIX socket cannot be made.</exception>
    public IInnerHalf MakeInner(IBridgeContext bridge, BridgeClients clients, EventLoop home, NamespaceTracker place) =>
        bridge.Settings.Protocol == BridgeProtocol.Udp
            ? new UdpInnerHalf(bridge, clients, clients, home, place, descriptors, listening)
            : new InnerHalf(bridge, clients, clients, loops, home, place, descriptors, listening);

    public IOuterHalf MakeOuter(IBridgeContext bridge, BridgeClients clients, EventLoop home, NamespaceTracker place) =>
        bridge.Settings.Protocol == BridgeProtocol.Udp
            ? new UdpOuterHalf(bridge, home, place, listening)
            : new OuterHalf(bridge, clients, clients, loops, home, place, namespaces, descriptors, listening);
}
