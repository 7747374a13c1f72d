using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

/// <summary>
/// The io_uring of one loop, for relays that pass small messages: a message then costs no system call of its own, only its share of one that submits
/// and waits for all. The loop's epoll is watched through it too.
/// </summary>
/// <remarks>
/// Small ones only: the kernel takes buffers in turn, so what was received has left the processor's nearest cache before it is sent, where a read and
/// a write of one block find it there (measured: 64 ping-pongs of 64 bytes take 0.83 of the relay's processor time that way, those of 16 KiB 1.3).
/// </remarks>
internal sealed class MessageRing : IOuterQueue, IDisposable
{
    /// <summary>What is longer than this is no small message.</summary>
    internal const int MessageBytes = 1024;

    /// <summary>All together no larger than a block, so that whatever one direction holds fits into one. Measured: 64 are too few for 64 conversations.</summary>
    private const int Buffers = BlockPool.Largest / MessageBytes;

    /// <summary>The number of what nobody waits for.</summary>
    private const ulong Nobody = ulong.MaxValue;

    /// <summary>The number of the loop's epoll.</summary>
    private const ulong ReadinessNumber = ulong.MaxValue - 1;

    private readonly IoUring _ring;
    private readonly EventLoop _loop;
    private int _relays;
    private readonly ushort[] _next = new ushort[Buffers];
    private readonly ushort[] _length = new ushort[Buffers];
    private readonly List<IoUringCompletion> _setAside = new(Buffers);
    private int _setAsideTaken;
    private int _takenOutOfTurn;
    private bool _readinessAsked;

    private MessageRing(IoUring ring, EventLoop loop)
    {
        _ring = ring;
        _loop = loop;
    }

    /// <summary>How many relays use it; with none, nothing waits here.</summary>
    internal int Relays
    {
        get => _relays;
        set
        {
            _relays = value;
            _loop.WaitOn(value > 0 ? this : null);
        }
    }

    /// <summary>How many completions can be taken, at the most.</summary>
    internal int Ready => _setAside.Count - _setAsideTaken + _ring.Ready;

    /// <summary>Whether something was prepared that a wait would submit first.</summary>
    public bool HasUnsubmitted => _ring.HasUnsubmitted;

    /// <returns>Null if the kernel or a sandbox refuses it.</returns>
    internal static MessageRing? TryCreate(EventLoop loop) =>
        IoUring.TryCreate(Buffers, MessageBytes) is { } ring ? new MessageRing(ring, loop) : null;

    public int Wait(int milliseconds)
    {
        if (!_readinessAsked)
        {
            _readinessAsked = true;
            _ring.Poll(_loop.EpollDescriptor, ReadinessNumber);
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
            if (completion.UserData == ReadinessNumber)
                isEpollReady = true;
            else if (_loop.Find(completion.UserData) is Relay relay)
                relay.OnCompletion(completion, (int)(completion.UserData & 7));
            else
                Drop(completion);
        }
        _readinessAsked &= !isEpollReady;
        return received;
    }

    internal void Receive(int socket, ulong number) => _ring.Receive(socket, number);

    /// <summary>Prepares to send the first buffer of a queue, which stays in it.</summary>
    internal void SendFirst(int socket, in BufferQueue queue, ulong number) =>
        _ring.Send(socket, _ring.Buffers.Address(queue.First) + queue.Offset, FirstBytes(queue), number);

    /// <summary>Sends the only buffer of a queue at once: the bytes taken, or a negated error.</summary>
    internal nint SendNow(int socket, in BufferQueue queue) => Libc.Send(socket, _ring.Buffers.Address(queue.First), FirstBytes(queue));

    internal void Cancel(ulong number) => _ring.Cancel(number, Nobody);

    /// <summary>Takes the oldest completion.</summary>
    internal bool TryTake(out IoUringCompletion completion)
    {
        PassTaken();
        if (_setAsideTaken == _setAside.Count)
            return _ring.TryTake(out completion);
        completion = _setAside[_setAsideTaken++];
        return true;
    }

    /// <summary>Goes past what was taken out of turn.</summary>
    private void PassTaken()
    {
        while (_setAsideTaken < _setAside.Count && _setAside[_setAsideTaken].UserData == Nobody)
            _setAsideTaken++;
        if (_setAsideTaken < _setAside.Count)
            return;
        _setAside.Clear();
        _setAsideTaken = _takenOutOfTurn = 0;
    }

    /// <summary>
    /// Forgets what was taken out of turn once it is most of the list: every search goes through it, and where thousands of relays end at once there are as
    /// many searches.
    /// </summary>
    private void ForgetTaken()
    {
        if (_takenOutOfTurn <= Buffers || _takenOutOfTurn <= _setAside.Count / 2)
            return;
        _setAside.RemoveRange(0, _setAsideTaken);
        _setAside.RemoveAll(static completion => completion.UserData == Nobody);
        _setAsideTaken = _takenOutOfTurn = 0;
    }

    /// <summary>Submits what was prepared. After it no request names a socket by its number any more.</summary>
    internal void Submit()
    {
        do
        {
            int result = _ring.Enter(0, 0);
            if (result < 0)
                throw new InvalidOperationException($"io_uring_enter failed: {Libc.ErrorOf(result)}");
            SetAside();
        }
        while (_ring.HasUnsubmitted);
    }

    /// <summary>Empties the kernel's queue, which must not fill up while its owner looks for one completion.</summary>
    private void SetAside()
    {
        ForgetTaken();
        while (_ring.TryTake(out IoUringCompletion completion))
        {
            if (completion.UserData != Nobody)
                _setAside.Add(completion);
        }
    }

    /// <summary>Takes the oldest completion of one source that <see cref="Submit"/> has found; those of others stay, in their order.</summary>
    /// <param name="number">The source's number.</param>
    /// <param name="mask">Which bits of it count.</param>
    /// <param name="completion">The completion.</param>
    internal bool TryTakeOf(ulong number, ulong mask, out IoUringCompletion completion)
    {
        PassTaken();
        for (int i = _setAsideTaken; i < _setAside.Count; i++)
        {
            completion = _setAside[i];
            if ((completion.UserData & mask) != number)
                continue;
            _setAside[i] = completion with { UserData = Nobody };
            _takenOutOfTurn++;
            return true;
        }
        completion = default;
        return false;
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

    /// <summary>Bytes of the first buffer that are still to be sent.</summary>
    internal int FirstBytes(in BufferQueue queue) => _length[queue.First] - queue.Offset;

    /// <summary>Gives the first buffer back to the kernel.</summary>
    internal void DropFirst(ref BufferQueue queue)
    {
        ushort first = queue.First;
        queue.First = _next[first];
        queue.Offset = 0;
        queue.Count--;
        _ring.Buffers.Return(first);
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
            NativePages.Copy(_ring.Buffers.Address(queue.First) + queue.Offset, to, bytes);
            to += bytes;
            DropFirst(ref queue);
        }
    }

    /// <summary>Nobody takes this completion: its buffer goes back.</summary>
    internal void Drop(in IoUringCompletion completion)
    {
        if (completion.HasBuffer)
            _ring.Buffers.Return(completion.Buffer);
    }

    public void Dispose() => _ring.Dispose();
}
