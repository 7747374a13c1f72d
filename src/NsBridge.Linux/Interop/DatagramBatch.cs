using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Buffers for one recvmmsg(2): each slot takes the largest datagram there is, its sender and its control messages.</summary>
public sealed unsafe class DatagramBatch : IDisposable
{
    /// <summary>Slots. As many datagrams as the kernel cuts from one message (UDP_MAX_SEGMENTS was 64 until Linux 6.9).</summary>
    public const int Capacity = 64;

    /// <summary>Bytes of a slot: nothing that IP can carry is longer, so nothing is cut.</summary>
    private const int SlotBytes = 65_536;

    /// <summary>From one slot to the next; not a power of two, or the starts of all slots would share a few sets of the processor's
    /// caches.</summary>
    private const int Stride = SlotBytes + 4096 + 128;

    private const int NameBytes = 28;
    private const int NameStride = 32;

    /// <summary>For the packet information of IPv6, that of IPv4 beside it and a segment size: 40, 32 and 24 bytes.</summary>
    private const int ControlBytes = 128;

    private const int ControlHeader = 16;

    /// <summary>The number of lo, in any network namespace.</summary>
    internal const int LoopbackInterface = 1;

    /// <summary>The first byte of IPv4 multicast addresses.</summary>
    private const byte FirstMulticast = 224;

    private readonly nint _data;
    private readonly byte* _names;
    private readonly byte* _controls;
    private readonly Libc.Vector* _vectors;
    private readonly Libc.MultiMessage* _messages;
    private int _used;

    /// <exception cref="InsufficientMemoryException">The kernel gives no memory.</exception>
    public DatagramBatch()
    {
        _data = NativePages.Map(Capacity * Stride);
        if (_data == 0)
            throw new InsufficientMemoryException("the kernel gives no memory for a batch of datagrams");
        _names = (byte*)NativeMemory.AllocZeroed(Capacity * NameStride);
        _controls = (byte*)NativeMemory.AllocZeroed(Capacity * ControlBytes);
        _vectors = (Libc.Vector*)NativeMemory.AllocZeroed((nuint)(Capacity * sizeof(Libc.Vector)));
        _messages = (Libc.MultiMessage*)NativeMemory.AllocZeroed((nuint)(Capacity * sizeof(Libc.MultiMessage)));
        for (int i = 0; i < Capacity; i++)
        {
            _vectors[i] = new Libc.Vector { Base = (void*)Address(i), Length = SlotBytes };
            _messages[i].Header.Name = _names + i * NameStride;
            _messages[i].Header.Vectors = _vectors + i;
            _messages[i].Header.VectorCount = 1;
            _messages[i].Header.Control = _controls + i * ControlBytes;
        }
        _used = Capacity;
    }

    /// <summary>The first byte of a slot.</summary>
    public nint Address(int slot) => _data + slot * (nint)Stride;

    /// <summary>Bytes received in a slot.</summary>
    public int Length(int slot) => (int)_messages[slot].Length;

    /// <summary>Whether bytes were lost because the slot was too small.</summary>
    public bool IsTruncated(int slot) => (_messages[slot].Header.Flags & Libc.MSG_TRUNC) != 0;

    /// <summary>Receives waiting datagrams into the slots from <paramref name="first"/> on.</summary>
    /// <returns>How many messages came (fewer than slots: no more wait), or a negated error.</returns>
    public int Receive(int socket, int first)
    {
        // The kernel takes the lengths it wrote last time for the capacity now.
        for (int i = first; i < _used; i++)
        {
            _messages[i].Header.NameLength = NameBytes;
            _messages[i].Header.ControlLength = ControlBytes;
        }
        int count = Libc.ReceiveMany(socket, _messages + first, Capacity - first);
        // One more: the kernel may have begun with the slot at which it found nothing.
        _used = Math.Min(Capacity, first + Math.Max(count, 0) + 1);
        return count;
    }

    /// <summary>The size of each datagram in a slot if several came as one message; 0 for a single one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Segment(int slot)
    {
        if (_messages[slot].Header.ControlLength == 0)
            return 0;
        byte* found = Find(slot, Libc.IPPROTO_UDP, Libc.UDP_GRO, sizeof(int));
        int segment = found is null ? 0 : *(int*)found;
        return segment < Length(slot) ? segment : 0;
    }

    /// <summary>The port that a slot's datagram was sent from.</summary>
    public ushort Port(int slot) => BinaryPrimitives.ReverseEndianness(*(ushort*)(_names + slot * NameStride + 2));

    /// <summary>The sender of a slot's datagram and, if the socket reports it, the address it was sent to.</summary>
    public DatagramRoute Route(int slot)
    {
        byte* name = _names + slot * NameStride;
        ushort port = Port(slot);
        if (*(ushort*)name == Libc.AF_INET)
            return RouteOfFour(slot, Mapped(*(uint*)(name + 4)), port);
        ulong high = *(ulong*)(name + 8), low = *(ulong*)(name + 16);
        // Came by IPv4 to a socket of both: IPV6_PKTINFO has the header's address, which may be a broadcast one.
        if (high == 0 && low == Mapped(*(uint*)(name + 20)))
            return RouteOfFour(slot, low, port);
        uint scope = *(uint*)(name + 24);
        byte* six = Find(slot, Libc.IPPROTO_IPV6, Libc.IPV6_PKTINFO, 20);
        // No answer can leave from a multicast address: the kernel chooses its source.
        if (six is null || *six == 0xff)
            return new DatagramRoute(high, low, 0, 0, scope, 0, port);
        bool linkLocal = six[0] == 0xfe && (six[1] & 0xc0) == 0x80;
        return new DatagramRoute(high, low, *(ulong*)six, *(ulong*)(six + 8), scope, linkLocal ? *(uint*)(six + 16) : 0, port);
    }

    /// <summary>Whether a slot's datagram came by lo, as all that a machine sends to itself does. False if the socket does not report
    /// it.</summary>
    public bool CameByLoopback(int slot)
    {
        byte* four = Find(slot, Libc.IPPROTO_IP, Libc.IP_PKTINFO, 12);
        if (four is not null)
            return *(int*)four == LoopbackInterface;
        byte* six = Find(slot, Libc.IPPROTO_IPV6, Libc.IPV6_PKTINFO, 20);
        return six is not null && *(int*)(six + 16) == LoopbackInterface;
    }

    private DatagramRoute RouteOfFour(int slot, ulong client, ushort port)
    {
        byte* info = Find(slot, Libc.IPPROTO_IP, Libc.IP_PKTINFO, 12);
        return new DatagramRoute(0, client, 0, info is null ? 0 : LocalOf((uint*)info), 0, 0, port);
    }

    /// <summary>Our address, of an in_pktinfo: the interface, our address for the answer, the address of the header.</summary>
    private static ulong LocalOf(uint* info)
    {
        // A datagram that waited before the option was set has only the header's address, from which perhaps no answer can leave.
        uint address = info[1] != 0 ? info[1] : info[2];
        return *(byte*)&address >= FirstMulticast ? 0 : Mapped(address);
    }

    /// <summary>The second half of an IPv4-mapped address.</summary>
    private static ulong Mapped(uint address)
    {
        ulong half;
        uint* words = (uint*)&half;
        words[0] = BitConverter.IsLittleEndian ? 0xffff0000 : 0x0000ffff;
        words[1] = address;
        return half;
    }

    private byte* Find(int slot, int level, int type, int size)
    {
        byte* at = _controls + slot * ControlBytes;
        byte* end = at + _messages[slot].Header.ControlLength;
        while (at + ControlHeader <= end)
        {
            Libc.ControlMessage head = *(Libc.ControlMessage*)at;
            if (head.Length < ControlHeader)
                return null;
            if (head.Level == level && head.Type == type && (int)head.Length >= ControlHeader + size)
                return at + ControlHeader;
            at += ((int)head.Length + 7) & ~7;
        }
        return null;
    }

    public void Dispose()
    {
        NativePages.Unmap(_data, Capacity * Stride);
        NativeMemory.Free(_names);
        NativeMemory.Free(_controls);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_messages);
    }
}

/// <summary>The client's address and port, and our address that the datagram was sent to. Answers go the same way back.</summary>
/// <remarks>Addresses are the 16 bytes of IPv6 in the order of the wire, IPv4 as IPv4-mapped, in two halves.</remarks>
/// <param name="ClientHigh">The client's address, first half.</param>
/// <param name="ClientLow">The client's address, second half.</param>
/// <param name="LocalHigh">Our address, first half.</param>
/// <param name="LocalLow">Our address, second half; if both halves are zero, it is not known.</param>
/// <param name="ClientScope">The interface of a link-local client; else 0.</param>
/// <param name="LocalInterface">The interface of a link-local address of ours; else 0.</param>
/// <param name="ClientPort">The client's port.</param>
public readonly record struct DatagramRoute(
    ulong ClientHigh, ulong ClientLow, ulong LocalHigh, ulong LocalLow, uint ClientScope, uint LocalInterface, ushort ClientPort)
{
    /// <summary>Whether the datagram came to an address that an answer can leave from.</summary>
    public bool HasLocal => (LocalHigh | LocalLow) != 0;

    /// <summary>The client's address as a number, big-endian.</summary>
    public UInt128 ClientBits => Bits(ClientHigh, ClientLow);

    /// <summary>Our address as a number, big-endian.</summary>
    public UInt128 LocalBits => Bits(LocalHigh, LocalLow);

    private static UInt128 Bits(ulong high, ulong low)
    {
        Span<ulong> halves = [high, low];
        return BinaryPrimitives.ReadUInt128BigEndian(MemoryMarshal.AsBytes(halves));
    }

    public bool Equals(DatagramRoute other) =>
        ClientLow == other.ClientLow && ClientPort == other.ClientPort && ClientHigh == other.ClientHigh
        && LocalLow == other.LocalLow && LocalHigh == other.LocalHigh
        && ClientScope == other.ClientScope && LocalInterface == other.LocalInterface;

    // Salted by the runtime for each process: no client can choose addresses that share a bucket.
    public override int GetHashCode() =>
        HashCode.Combine(ClientHigh, ClientLow, LocalHigh, LocalLow, (ulong)ClientPort << 32 | ClientScope);
}
