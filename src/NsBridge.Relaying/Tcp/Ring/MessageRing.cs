using System.Runtime.CompilerServices;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp.Ring;

/// <summary>The owner of requests on a <see cref="MessageRing"/>.</summary>
internal abstract class RingSource : EventSource
{
    /// <summary>A request has completed, or goes on.</summary>
    /// <param name="completion">Its result; a buffer in it is the source's.</param>
    /// <param name="tag">The three lowest bits of the request's number.</param>
    internal abstract void OnCompletion(in IoUringCompletion completion, int tag);

    protected internal override void OnEvents(uint events, int end)
    {
    }
}

/// <summary>Received buffers of one direction, in the order of their bytes; linked within <see cref="MessageRing"/>.</summary>
internal struct BufferQueue
{
    internal int Count;
    internal ushort First;
    internal ushort Last;

    /// <summary>Bytes of the first buffer that were sent already.</summary>
    internal int Offset;

    /// <summary>The first buffer is being sent.</summary>
    internal bool IsSending;

    internal readonly bool IsEmpty => Count == 0;
}

/// <summary>The io_uring of one loop, for relays that pass small messages: a message costs no system call of its own, only its share of
/// one that submits and waits for all. The ring watches the loop's epoll too.</summary>
/// <remarks>Only for small messages: the kernel takes buffers in turn, so received bytes have left the processor's nearest cache before
/// they are sent, while a read and a write of one block find them there (measured: 64 ping-pongs of 64 bytes take 0.83 of the relay's
/// processor time this way, those of 16 KiB 1.3).</remarks>
internal sealed class MessageRing : IOuterQueue, IDisposable
{
    /// <summary>A longer message is not small.</summary>
    internal const int MessageBytes = 1024;

    /// <summary>All fit into one block, so one direction's do. Measured: 64 are too few for 64 conversations.</summary>
    private const int Buffers = BlockPool.Largest / MessageBytes;

    /// <summary>The number of a completion without an owner.</summary>
    private const ulong NoOwner = ulong.MaxValue;

    private const ulong EpollNumber = ulong.MaxValue - 1;
    private const ulong TagBits = 7;

    private readonly IoUring _ring;
    private readonly EventLoop _loop;
    private readonly SourceTable _sources = new();
    private readonly ushort[] _next = new ushort[Buffers];
    private readonly ushort[] _length = new ushort[Buffers];
    private readonly List<IoUringCompletion> _setAside = new(Buffers);
    private int _setAsideTaken;
    private bool _isEpollPolled;

    private MessageRing(IoUring ring, EventLoop loop)
    {
        _ring = ring;
        _loop = loop;
    }

    /// <returns>Null if the kernel or a sandbox refuses it.</returns>
    internal static MessageRing? TryCreate(EventLoop loop) =>
        IoUring.TryCreate(Buffers, MessageBytes) is { } ring ? new MessageRing(ring, loop) : null;

    /// <summary>How many relays use the ring.</summary>
    internal int Relays { get; private set; }

    public bool HasUnsubmitted => _ring.HasUnsubmitted;

    private int Ready => _setAside.Count - _setAsideTaken + _ring.Ready;

    /// <summary>Adds a source. The loop waits here while there is one.</summary>
    /// <returns>The number of its requests, with three bits to spare.</returns>
    internal ulong Add(RingSource source)
    {
        _sources.Add(source);
        Relays++;
        _loop.WaitOn(this);
        return _sources.Key(source);
    }

    internal void Remove(RingSource source)
    {
        _sources.Remove(source);
        if (--Relays == 0)
            _loop.WaitOn(null);
    }

    public int Wait(int milliseconds)
    {
        if (!_isEpollPolled)
        {
            _isEpollPolled = true;
            _ring.Poll(_loop.EpollDescriptor, EpollNumber);
        }
        int result = _ring.Enter(milliseconds == 0 || Ready > 0 ? 0 : 1, milliseconds);
        return result < 0 ? result : Ready;
    }

    public int Dispatch(int count, out bool isEpollReady)
    {
        isEpollReady = false;
        int received = 0;
        for (; count > 0 && TryTake(out IoUringCompletion completion); count--)
        {
            if (completion.HasBuffer)
                received++;
            if (completion.UserData == EpollNumber)
                isEpollReady = true;
            else if (_sources.Find(completion.UserData) is { } source)
                Unsafe.As<RingSource>(source).OnCompletion(completion, (int)(completion.UserData & TagBits));
            else if (completion.HasBuffer)
                _ring.ReturnBuffer(completion.Buffer);
        }
        _isEpollPolled &= !isEpollReady;
        return received;
    }

    internal void Receive(int socket, ulong number) => _ring.Receive(socket, number);

    /// <summary>Prepares to send the first buffer of a queue, which stays in it.</summary>
    internal void SendFirst(int socket, in BufferQueue queue, ulong number) =>
        _ring.Send(socket, _ring.BufferAddress(queue.First) + queue.Offset, FirstBytes(queue), number);

    /// <summary>Sends the only buffer of a queue at once: the bytes taken, or a negated error.</summary>
    internal nint SendNow(int socket, in BufferQueue queue) => Libc.Send(socket, _ring.BufferAddress(queue.First), FirstBytes(queue));

    internal void Cancel(ulong number) => _ring.Cancel(number, NoOwner);

    private bool TryTake(out IoUringCompletion completion)
    {
        if (_setAsideTaken < _setAside.Count)
        {
            completion = _setAside[_setAsideTaken++];
            return true;
        }
        _setAside.Clear();
        _setAsideTaken = 0;
        return _ring.TryTake(out completion);
    }

    /// <summary>Submits what was prepared, after which no request names a socket by its descriptor any more, and sets completions aside:
    /// the kernel's queue must not fill up while one source looks for its own.</summary>
    internal void Submit()
    {
        do
        {
            int result = _ring.Enter(0, 0);
            if (result < 0)
                throw new InvalidOperationException($"io_uring_enter failed: {Libc.ErrorOf(result)}");
            while (_ring.TryTake(out IoUringCompletion completion))
            {
                if (completion.UserData != NoOwner)
                    _setAside.Add(completion);
            }
        }
        while (_ring.HasUnsubmitted);
    }

    /// <summary>Takes the oldest completion that <see cref="Submit"/> has set aside for a source; others stay in order.</summary>
    internal bool TryTakeOf(ulong number, out IoUringCompletion completion, out int tag)
    {
        int at = _setAsideTaken;
        while (at < _setAside.Count && (_setAside[at].UserData & ~TagBits) != number)
            at++;
        bool isFound = at < _setAside.Count;
        completion = isFound ? _setAside[at] : default;
        tag = (int)(completion.UserData & TagBits);
        if (isFound)
            _setAside.RemoveAt(at);
        return isFound;
    }

    /// <summary>Adds a received buffer to the end of a queue.</summary>
    internal void Append(ref BufferQueue queue, ushort buffer, int bytes)
    {
        _length[buffer] = (ushort)bytes;
        if (queue.Count++ == 0)
            queue.First = buffer;
        else
            _next[queue.Last] = buffer;
        queue.Last = buffer;
    }

    private int FirstBytes(in BufferQueue queue) => _length[queue.First] - queue.Offset;

    /// <summary>Bytes of the first buffer were sent.</summary>
    internal void Consume(ref BufferQueue queue, int bytes)
    {
        queue.Offset += bytes;
        if (FirstBytes(queue) == 0)
            DropFirst(ref queue);
    }

    /// <summary>Gives the first buffer back to the kernel.</summary>
    private void DropFirst(ref BufferQueue queue)
    {
        ushort first = queue.First;
        queue.First = _next[first];
        queue.Offset = 0;
        queue.Count--;
        _ring.ReturnBuffer(first);
    }

    internal void DropAll(ref BufferQueue queue)
    {
        while (!queue.IsEmpty)
            DropFirst(ref queue);
    }

    /// <summary>Bytes of all buffers of a queue.</summary>
    internal int Bytes(BufferQueue queue)
    {
        int bytes = -queue.Offset;
        ushort buffer = queue.First;
        for (int i = 0; i < queue.Count; i++, buffer = _next[buffer])
            bytes += _length[buffer];
        return bytes;
    }

    /// <summary>Moves the bytes of a queue to native memory and empties it.</summary>
    internal void Move(ref BufferQueue queue, nint to)
    {
        while (!queue.IsEmpty)
        {
            int bytes = FirstBytes(queue);
            NativePages.Copy(_ring.BufferAddress(queue.First) + queue.Offset, to, bytes);
            to += bytes;
            DropFirst(ref queue);
        }
    }

    public void Dispose() => _ring.Dispose();
}
