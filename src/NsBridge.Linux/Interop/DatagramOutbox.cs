using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Datagrams for one sendmmsg(2). Datagrams of one size for one receiver become a train: one message that passes the kernel's
/// stack once and is cut there (UDP_SEGMENT).</summary>
public sealed unsafe class DatagramOutbox : IDisposable
{
    /// <summary>The number of pieces that fit, beside a header.</summary>
    public const int Capacity = DatagramBatch.Capacity;

    /// <summary>Datagrams that the kernel cuts from one message: UDP_MAX_SEGMENTS until Linux 6.9, more since.</summary>
    private const int SegmentsPerTrain = 64;

    /// <summary>Bytes of a train: an IP packet with its headers is no longer than 65,535.</summary>
    private const int BytesPerTrain = 65_000;

    /// <summary>A header is a piece of its own, and cuts its datagram from the train that this may have come in.</summary>
    private const int Slots = Capacity + 2;

    private const int LongestHeader = 64;

    private const int NameStride = 32;
    private const int ControlStride = 80;
    private const int ControlHeader = 16;
    private const int SegmentControl = ControlHeader + 8;

    private readonly byte* _names = (byte*)NativeMemory.AllocZeroed(Slots * NameStride);
    private readonly byte* _header = (byte*)NativeMemory.AllocZeroed(LongestHeader);
    private readonly byte* _receiver = (byte*)NativeMemory.AllocZeroed(NameStride);
    private readonly byte* _controls = (byte*)NativeMemory.AllocZeroed(Slots * ControlStride);
    private readonly Libc.Vector* _vectors = (Libc.Vector*)NativeMemory.AllocZeroed((nuint)(Slots * sizeof(Libc.Vector)));
    private readonly Libc.MultiMessage* _messages =
        (Libc.MultiMessage*)NativeMemory.AllocZeroed((nuint)(Slots * sizeof(Libc.MultiMessage)));
    private readonly int[] _bytes = new int[Slots];
    private readonly int[] _segments = new int[Slots];
    private uint _receiverBytes;
    private int _headerBytes;
    private int _pieces;

    /// <summary>Messages that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of a message.</summary>
    public int Bytes(int message) => _bytes[message];

    /// <summary>The size of each datagram of a train; 0 if the message is a single datagram.</summary>
    public int TrainSegment(int message) => _bytes[message] > _segments[message] ? _segments[message] : 0;

    public void Clear() => Count = _pieces = _headerBytes = 0;

    /// <summary>Empties it for datagrams that all have one receiver.</summary>
    public void ClearFor(in SockAddr receiver)
    {
        Clear();
        _receiverBytes = (uint)receiver.Length;
        receiver.AsSpan().CopyTo(new Span<byte>(_receiver, NameStride));
    }

    /// <summary>Room for a header; see <see cref="Precede"/>.</summary>
    public Span<byte> Header => new(_header, LongestHeader);

    /// <summary>The first datagram that is added to the empty outbox begins with so many bytes of <see cref="Header"/>. They do not count
    /// as bytes of its message, and nothing is joined to that.</summary>
    public void Precede(int headerBytes) => _headerBytes = headerBytes;

    /// <summary>Whether the first message has a header.</summary>
    public bool HasHeader => _vectors[0].Base == _header;

    /// <summary>Adds a datagram, or several of one size, for the receiver of all, or else for a connected socket's peer.</summary>
    /// <param name="address">The bytes; they stay there until sent.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="segment">The size of each datagram if there are several; else 0.</param>
    public void Add(nint address, int length, int segment)
    {
        if (_headerBytes > 0)
        {
            AddWithHeader(address, length, segment);
            return;
        }
        ref Libc.MessageHeader header = ref Begin(address, length, segment);
        header.Name = _receiverBytes == 0 ? null : _receiver;
        header.NameLength = _receiverBytes;
        header.ControlLength = 0;
    }

    private void AddWithHeader(nint address, int length, int segment)
    {
        int header = _headerBytes, first = segment == 0 ? length : segment;
        _headerBytes = 0;
        Add((nint)_header, header, 0);
        _vectors[_pieces++] = new Libc.Vector { Base = (void*)address, Length = (nuint)first };
        _messages[0].Header.VectorCount = 2;
        _bytes[0] = first;
        // Not the size of a train: nothing is joined.
        _segments[0] = 0;
        if (length > first)
            Add(address + first, length - first, segment);
    }

    /// <summary>Adds a datagram, or several of one size, for the client of a route.</summary> <inheritdoc cref="Add(nint, int, int)"/>
    /// <param name="address">The bytes; they stay there until sent.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="segment">The size of each datagram if there are several; else 0.</param>
    /// <param name="route">Back along it.</param>
    /// <param name="six">Whether the socket to send by is one of AF_INET6.</param>
    public void Add(nint address, int length, int segment, in DatagramRoute route, bool six)
    {
        int index = Count;
        ref Libc.MessageHeader header = ref Begin(address, length, segment);
        byte* name = _names + index * NameStride;
        byte* control = _controls + index * ControlStride;
        *(ushort*)(name + 2) = BinaryPrimitives.ReverseEndianness(route.ClientPort);
        if (six)
        {
            *(ushort*)name = Libc.AF_INET6;
            *(uint*)(name + 4) = 0;
            *(ulong*)(name + 8) = route.ClientHigh;
            *(ulong*)(name + 16) = route.ClientLow;
            *(uint*)(name + 24) = route.ClientScope;
        }
        else
        {
            ulong low = route.ClientLow;
            *(ushort*)name = Libc.AF_INET;
            *(uint*)(name + 4) = ((uint*)&low)[1];
            *(ulong*)(name + 8) = 0;
        }
        header.Name = name;
        header.NameLength = six ? 28u : 16u;
        header.ControlLength = route.HasLocal ? WriteLocal(control, route, six) : 0;
    }

    private static nuint WriteLocal(byte* control, in DatagramRoute route, bool six)
    {
        byte* data = control + ControlHeader;
        if (six)
        {
            *(Libc.ControlMessage*)control = new() { Length = ControlHeader + 20, Level = Libc.IPPROTO_IPV6, Type = Libc.IPV6_PKTINFO };
            *(ulong*)data = route.LocalHigh;
            *(ulong*)(data + 8) = route.LocalLow;
            *(uint*)(data + 16) = route.LocalInterface;
            return ControlHeader + 24;
        }
        ulong low = route.LocalLow;
        *(Libc.ControlMessage*)control = new() { Length = ControlHeader + 12, Level = Libc.IPPROTO_IP, Type = Libc.IP_PKTINFO };
        *(uint*)data = 0;
        *(uint*)(data + 4) = ((uint*)&low)[1];
        *(uint*)(data + 8) = 0;
        return ControlHeader + 16;
    }

    private ref Libc.MessageHeader Begin(nint address, int length, int segment)
    {
        int index = Count++;
        _vectors[_pieces] = new Libc.Vector { Base = (void*)address, Length = (nuint)length };
        ref Libc.MessageHeader header = ref _messages[index].Header;
        header.Vectors = _vectors + _pieces++;
        header.VectorCount = 1;
        header.Control = _controls + index * ControlStride;
        _bytes[index] = length;
        _segments[index] = segment == 0 ? length : segment;
        return ref header;
    }

    /// <summary>Joins a datagram, or several of one size, to the last message, which has to be for the same receiver.</summary>
    /// <param name="address">The bytes; they stay there until sent.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="segment">The size of each datagram if there are several; else 0.</param>
    /// <param name="largest">Larger datagrams are not joined.</param>
    /// <returns>False if they do not fit together.</returns>
    public bool TryJoin(nint address, int length, int segment, int largest)
    {
        int last = Count - 1;
        int size = _segments[last];
        // Only the last datagram of a train may be shorter, so behind a shorter one nothing is joined.
        bool fits = size > 0 && length > 0 && size <= largest && _bytes[last] % size == 0
            && (segment == size || (segment == 0 && length <= size));
        if (!fits || _bytes[last] + length > BytesPerTrain || (_bytes[last] + length + size - 1) / size > SegmentsPerTrain)
            return false;
        _vectors[_pieces++] = new Libc.Vector { Base = (void*)address, Length = (nuint)length };
        _messages[last].Header.VectorCount++;
        _bytes[last] += length;
        return true;
    }

    /// <summary>Adds where the kernel cuts. Once, before the first <see cref="Send"/>.</summary>
    public void Seal()
    {
        for (int i = 0; i < Count; i++)
        {
            int segment = TrainSegment(i);
            if (segment == 0)
                continue;
            ref Libc.MessageHeader header = ref _messages[i].Header;
            byte* at = (byte*)header.Control + header.ControlLength;
            *(Libc.ControlMessage*)at = new()
            {
                Length = ControlHeader + sizeof(ushort),
                Level = Libc.IPPROTO_UDP,
                Type = Libc.UDP_SEGMENT,
            };
            *(ushort*)(at + ControlHeader) = (ushort)segment;
            header.ControlLength += SegmentControl;
        }
    }

    /// <summary>Sends the messages from <paramref name="first"/> on.</summary>
    /// <returns>How many were taken, or the negated error of the first.</returns>
    public int Send(int socket, int first) => Libc.SendMmsg(socket, _messages + first, Count - first);

    /// <summary>Sends the datagrams of a train one by one, for a way that takes no trains.</summary>
    /// <returns>Bytes that were taken, or the negated error of the first that was not where none was.</returns>
    public int SendApart(int socket, int message)
    {
        int segment = _segments[message], taken = 0, error = 0;
        Libc.MultiMessage single = _messages[message];
        Libc.Vector vector;
        single.Header.Vectors = &vector;
        single.Header.VectorCount = 1;
        single.Header.ControlLength -= SegmentControl;
        for (nuint i = 0; i < _messages[message].Header.VectorCount; i++)
        {
            Libc.Vector piece = _messages[message].Header.Vectors[i];
            for (nuint offset = 0; offset < piece.Length; offset += (nuint)segment)
            {
                vector = new Libc.Vector { Base = (byte*)piece.Base + offset, Length = Math.Min((nuint)segment, piece.Length - offset) };
                int result = Libc.SendMmsg(socket, &single, 1);
                if (result < 0)
                    error = result;
                else
                    taken += (int)vector.Length;
            }
        }
        return taken > 0 ? taken : error;
    }

    public void Dispose()
    {
        NativeMemory.Free(_names);
        NativeMemory.Free(_header);
        NativeMemory.Free(_receiver);
        NativeMemory.Free(_controls);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_messages);
    }
}
