using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>struct io_uring_cqe of linux/io_uring.h: the result of a request.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoUringCompletion
{
    /// <summary>The number of the request.</summary>
    public ulong UserData;

    /// <summary>What the system call would have returned, errors negated.</summary>
    public int Result;

    internal uint Flags;

    /// <summary>Whether the request goes on and completes again.</summary>
    public readonly bool HasMore => (Flags & Libc.IORING_CQE_F_MORE) != 0;

    /// <summary>Whether the bytes are in a provided buffer.</summary>
    public readonly bool HasBuffer => (Flags & Libc.IORING_CQE_F_BUFFER) != 0;

    public readonly ushort Buffer => (ushort)(Flags >> Libc.IORING_CQE_BUFFER_SHIFT);
}

/// <summary>An io_uring(7) for stream sockets: multishot receives into provided buffers, and sends, many for one system call. Used by the
/// thread that made it.</summary>
/// <remarks>The owner's thread runs completions when it enters (IORING_SETUP_DEFER_TASKRUN, Linux 6.1): nothing interrupts it, and the
/// kernel starts no thread, which would stay in the network namespace of its maker.
/// <para>A request names its socket by descriptor until it is submitted, and holds the socket open from then until it is complete: before
/// it closes a socket, the owner submits and awaits the socket's requests.</para></remarks>
public sealed unsafe class IoUring : IDisposable
{
    /// <summary>Requests that are prepared at a time; more are submitted in between.</summary>
    private const int Requests = 256;

    /// <summary>Completions in the queue; the kernel keeps more elsewhere.</summary>
    private const int Completions = 2048;

    private const ushort Group = 0;

    private readonly int _descriptor;
    private readonly int _queueBytes;
    private readonly int _requestBytes;
    private readonly nint _queues;
    private readonly Libc.IoUringRequest* _requests;
    private readonly uint* _submissionHead;
    private readonly uint* _submissionTail;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _completionMask;
    private readonly IoUringCompletion* _completions;
    private readonly int _bufferCount;
    private readonly int _bufferBytes;
    private readonly nint _buffers;
    private readonly Libc.IoUringBuffer* _bufferEntries;
    private ushort _bufferTail;
    private uint _tail;

    private IoUring(int descriptor, in Libc.IoUringParameters parameters, int bufferCount, int bufferBytes)
    {
        _descriptor = descriptor;
        _queueBytes = (int)Math.Max(
            parameters.SubmissionArray + parameters.SubmissionEntries * sizeof(uint),
            parameters.Completions + parameters.CompletionEntries * (uint)sizeof(IoUringCompletion));
        _requestBytes = (int)parameters.SubmissionEntries * sizeof(Libc.IoUringRequest);
        _queues = NativePages.MapFile(descriptor, Libc.IORING_OFF_SQ_RING, _queueBytes);
        _requests = (Libc.IoUringRequest*)NativePages.MapFile(descriptor, Libc.IORING_OFF_SQES, _requestBytes);
        _bufferCount = bufferCount;
        _bufferBytes = bufferBytes;
        _buffers = NativePages.Map(bufferCount * bufferBytes);
        _bufferEntries = (Libc.IoUringBuffer*)NativePages.Map(bufferCount * sizeof(Libc.IoUringBuffer));
        if (!IsMapped)
            return;
        _submissionHead = (uint*)(_queues + (nint)parameters.SubmissionHead);
        _submissionTail = (uint*)(_queues + (nint)parameters.SubmissionTail);
        _submissionMask = *(uint*)(_queues + (nint)parameters.SubmissionMask);
        _completionHead = (uint*)(_queues + (nint)parameters.CompletionHead);
        _completionTail = (uint*)(_queues + (nint)parameters.CompletionTail);
        _completionMask = *(uint*)(_queues + (nint)parameters.CompletionMask);
        _completions = (IoUringCompletion*)(_queues + (nint)parameters.Completions);
        uint* array = (uint*)(_queues + (nint)parameters.SubmissionArray);
        for (uint i = 0; i <= _submissionMask; i++)
            array[i] = i;
    }

    private bool IsMapped => _queues != 0 && _requests != null && _buffers != 0 && _bufferEntries != null;

    /// <summary>Whether prepared requests are not submitted.</summary>
    public bool HasUnsubmitted => Unsubmitted > 0;

    /// <summary>Completions that can be taken.</summary>
    public int Ready => (int)(Volatile.Read(ref *_completionTail) - *_completionHead);

    private uint Unsubmitted => _tail - Volatile.Read(ref *_submissionHead);

    /// <param name="buffers">How many buffers to receive into; a power of two.</param>
    /// <param name="size">Bytes of each.</param>
    /// <returns>Null if the kernel or a sandbox refuses it: before Linux 6.1, <c>kernel.io_uring_disabled</c>, seccomp.</returns>
    public static IoUring? TryCreate(int buffers, int size)
    {
        Libc.IoUringParameters parameters = new()
        {
            Flags = Libc.IORING_SETUP_CQSIZE | Libc.IORING_SETUP_SUBMIT_ALL
                | Libc.IORING_SETUP_SINGLE_ISSUER | Libc.IORING_SETUP_DEFER_TASKRUN,
            CompletionEntries = Completions,
        };
        int descriptor = Libc.IoUringSetup(Requests, ref parameters);
        if (descriptor < 0)
            return null;
        const uint Needed = Libc.IORING_FEAT_SINGLE_MMAP | Libc.IORING_FEAT_NODROP | Libc.IORING_FEAT_EXT_ARG;
        var ring = new IoUring(descriptor, parameters, buffers, size);
        // A sandbox may allow making a ring and refuse its use: found here, before clients are on it.
        if ((parameters.Features & Needed) == Needed && ring.IsMapped && ring.TryProvideBuffers() && ring.Enter(0, 0) >= 0)
            return ring;
        ring.Dispose();
        return null;
    }

    private bool TryProvideBuffers()
    {
        Libc.IoUringBufferRegistration registration = new()
        {
            RingAddress = (ulong)_bufferEntries,
            RingEntries = (uint)_bufferCount,
            BufferGroup = Group,
        };
        if (Libc.IoUringRegister(_descriptor, Libc.IORING_REGISTER_PBUF_RING, &registration, 1) < 0)
            return false;
        for (int id = 0; id < _bufferCount; id++)
            ReturnBuffer(id);
        return true;
    }

    /// <summary>The address of a buffer. The kernel takes one when bytes are there, so an idle connection holds none.</summary>
    public nint BufferAddress(int id) => _buffers + id * _bufferBytes;

    /// <summary>Gives a buffer back to the kernel.</summary>
    public void ReturnBuffer(int id)
    {
        Libc.IoUringBuffer* entry = _bufferEntries + (_bufferTail & (_bufferCount - 1));
        // Field by field: the tail is the last field of the first entry.
        entry->Address = (ulong)BufferAddress(id);
        entry->Length = (uint)_bufferBytes;
        entry->Id = (ushort)id;
        Volatile.Write(ref _bufferEntries->Tail, ++_bufferTail);
    }

    /// <summary>Prepares to receive from a socket until its FIN, an error, or a lack of buffers.</summary>
    public void Receive(int socket, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_RECV, socket, data);
        request.Flags = Libc.IOSQE_BUFFER_SELECT;
        request.Priority = Libc.IORING_RECV_MULTISHOT;
        request.BufferGroup = Group;
    }

    /// <summary>Prepares to send as many bytes as the socket takes at once: the request completes when it is submitted.</summary>
    public void Send(int socket, nint address, int length, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_SEND, socket, data);
        request.Address = (ulong)address;
        request.Length = (uint)length;
        request.OperationFlags = Libc.SendFlags;
    }

    /// <summary>Prepares to report once that a descriptor is readable.</summary>
    public void Poll(int descriptor, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_POLL_ADD, descriptor, data);
        request.OperationFlags = Libc.EPOLLIN;
    }

    /// <summary>Prepares to cancel a request, which completes once more.</summary>
    /// <param name="target">The number of that request.</param>
    /// <param name="data">Comes back only if there is no such request.</param>
    public void Cancel(ulong target, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_ASYNC_CANCEL, -1, data);
        request.Address = target;
        request.Flags = Libc.IOSQE_CQE_SKIP_SUCCESS;
    }

    /// <summary>Submits the prepared requests, runs completions, and waits.</summary>
    /// <param name="waitFor">For how many completions to wait; 0 does not wait.</param>
    /// <param name="milliseconds">How long at most; -1: without limit.</param>
    /// <returns>0, or a negated error of the ring itself.</returns>
    public int Enter(int waitFor, int milliseconds)
    {
        int result = Libc.IoUringEnter(_descriptor, Unsubmitted, (uint)waitFor, milliseconds);
        // With a full completion queue, or no memory for a request, the rest is submitted the next time.
        return result >= 0 || (Errno)(-result) is Errno.ETIME or Errno.EINTR or Errno.EBUSY or Errno.EAGAIN or Errno.ENOMEM ? 0 : result;
    }

    /// <summary>Takes the oldest completion.</summary>
    public bool TryTake(out IoUringCompletion completion)
    {
        uint head = *_completionHead;
        if (head == Volatile.Read(ref *_completionTail))
        {
            completion = default;
            return false;
        }
        completion = _completions[head & _completionMask];
        Volatile.Write(ref *_completionHead, head + 1);
        return true;
    }

    private ref Libc.IoUringRequest Next(byte operation, int descriptor, ulong data)
    {
        while (Unsubmitted > _submissionMask)
            Enter(0, 0);
        ref Libc.IoUringRequest request = ref _requests[_tail & _submissionMask];
        request = new Libc.IoUringRequest { Operation = operation, Descriptor = descriptor, UserData = data };
        // The kernel reads the request only when the owner enters, so it need not be complete yet.
        Volatile.Write(ref *_submissionTail, ++_tail);
        return ref request;
    }

    public void Dispose()
    {
        Libc.Close(_descriptor);
        Unmap(_queues, _queueBytes);
        Unmap((nint)_requests, _requestBytes);
        Unmap(_buffers, _bufferCount * _bufferBytes);
        Unmap((nint)_bufferEntries, _bufferCount * sizeof(Libc.IoUringBuffer));
    }

    private static void Unmap(nint address, int bytes)
    {
        if (address != 0)
            NativePages.Unmap(address, bytes);
    }
}
