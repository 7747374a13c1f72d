using System.Runtime.InteropServices;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Udp;

/// <summary>Addresses of this process's own UDP sockets, each with the cookie of its network namespace. Any thread may call; in steady
/// state nothing is allocated.</summary>
internal sealed class EndpointSet
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong Cookie, UInt128 Bits, ushort Port), int> _counts = [];

    /// <summary>The local addresses of flows.</summary>
    internal static EndpointSet OfFlows { get; } = new();

    /// <summary>The addresses of listeners. The address of a wildcard one is zero.</summary>
    internal static EndpointSet OfListeners { get; } = new();

    internal void Add(ulong cookie, PeerAddress address)
    {
        lock (_lock)
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, (cookie, address.Bits, address.Port), out _)++;
    }

    internal void Remove(ulong cookie, PeerAddress address)
    {
        lock (_lock)
        {
            (ulong, UInt128, ushort) key = (cookie, address.Bits, address.Port);
            if (--CollectionsMarshal.GetValueRefOrAddDefault(_counts, key, out _) == 0)
                _counts.Remove(key);
        }
    }

    internal bool Contains(ulong cookie, PeerAddress address)
    {
        lock (_lock)
            return _counts.ContainsKey((cookie, address.Bits, address.Port));
    }
}
