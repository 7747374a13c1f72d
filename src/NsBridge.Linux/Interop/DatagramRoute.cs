using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>
/// Between whom a datagram passed: the client's address and port, and the address of ours that it was sent to. Answers go the
/// same way back.
/// </summary>
/// <remarks>Addresses are the 16 bytes of IPv6 in the order of the wire, IPv4 as IPv4-mapped, in two halves.</remarks>
/// <param name="ClientHigh">The client's address, first half.</param>
/// <param name="ClientLow">The client's address, second half.</param>
/// <param name="LocalHigh">Our address, first half.</param>
/// <param name="LocalLow">Our address, second half; with a first half of zero too, none is known and none need be said.</param>
/// <param name="ClientScope">The interface of a link-local client; else 0.</param>
/// <param name="LocalInterface">The interface of a link-local address of ours; else 0.</param>
/// <param name="ClientPort">The client's port.</param>
public readonly record struct DatagramRoute(
    ulong ClientHigh, ulong ClientLow, ulong LocalHigh, ulong LocalLow, uint ClientScope, uint LocalInterface, ushort ClientPort)
{
    /// <summary>Whether the datagram came to an address that an answer can leave from.</summary>
    public bool HasLocal => (LocalHigh | LocalLow) != 0;

    /// <summary>The client's address as a number, big-endian.</summary>
    public UInt128 ClientBits
    {
        get
        {
            Span<ulong> halves = [ClientHigh, ClientLow];
            return BinaryPrimitives.ReadUInt128BigEndian(MemoryMarshal.AsBytes(halves));
        }
    }

    public bool Equals(DatagramRoute other) =>
        ClientLow == other.ClientLow && ClientPort == other.ClientPort && ClientHigh == other.ClientHigh
        && LocalLow == other.LocalLow && LocalHigh == other.LocalHigh
        && ClientScope == other.ClientScope && LocalInterface == other.LocalInterface;

    // Salted by the runtime for each process: nobody can choose addresses that meet in one bucket.
    public override int GetHashCode() =>
        HashCode.Combine(ClientHigh, ClientLow, LocalHigh, LocalLow, (ulong)ClientPort << 32 | ClientScope);
}
