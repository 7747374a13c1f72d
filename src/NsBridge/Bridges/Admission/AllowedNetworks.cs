using System.Net;
using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Admission;

/// <summary>The networks of <c>AllowFrom</c> as masks for an address; asked for every client, so it allocates nothing.</summary>
internal sealed class AllowedNetworks
{
    private const int AddressBits = 128;
    private const int MappedBits = 96;

    private readonly (UInt128 Prefix, UInt128 Mask, bool IsFour)[] _networks;

    public AllowedNetworks(IReadOnlyCollection<IPNetwork> networks) => _networks = [.. networks.Select(Masked)];

    /// <summary>Whether a client is in one of the networks, or came by the UNIX socket; true for all if there are no networks.</summary>
    public bool Contains(PeerAddress peer)
    {
        if (_networks.Length == 0 || peer.IsUnix)
            return true;
        bool isFour = peer.IsIPv4;
        foreach ((UInt128 prefix, UInt128 mask, bool ofFour) in _networks)
        {
            if (ofFour == isFour && (peer.Bits & mask) == prefix)
                return true;
        }
        return false;
    }

    private static (UInt128 Prefix, UInt128 Mask, bool IsFour) Masked(IPNetwork network)
    {
        bool isFour = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        int length = network.PrefixLength + (isFour ? MappedBits : 0);
        UInt128 mask = length == 0 ? 0 : UInt128.MaxValue << (AddressBits - length);
        return (PeerAddress.From(SockAddr.From(network.BaseAddress, 0)).Bits & mask, mask, isFour);
    }
}
