namespace NsBridge.Linux.Interop;

/// <summary>
/// An io_uring(7) for stream sockets: receives that go on by themselves into provided buffers, and sends, many of them for one system call.
/// Belongs to the thread that made it.
/// </summary>
/// <remarks>
/// Completions are worked out by the owner's own thread, when it enters (IORING_SETUP_DEFER_TASKRUN, Linux 6.1): nothing interrupts it, and the kernel
/// starts no thread for it, which would stay in whatever network namespace its maker is in.
/// <para>
/// A request names its socket by number until it is submitted, and holds the socket open from then until it is complete: who closes a socket submits
/// first, and sees the end of what was received for.
/// </para>
/// </remarks>
public sealed unsafe class IoUring : IDisposable
{
    /// <summary>Requests that are prepared at a time; with more, they are submitted in between.</summary>
    private const int Requests = 256;

    /// <summary>Completions the kernel keeps in the queue; with more, it keeps them elsewhere.</summary>
    private const int Completions = 2048;

    private const ushort Group = 0;

    private readonly int _descriptor;
    private readonly nint _queues;
    private readonly int _queueBytes;
    private readonly nint _requestMemory;
    private readonly int _requestBytes;
    private readonly Libc.IoUringRequest* _requests;
    private readonly uint* _submissionHead;
    private readonly uint* _submissionTail;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _completionMask;
    private readonly IoUringCompletion* _completions;
    private uint _tail;

    private IoUring(int descriptor, in Libc.IoUringParameters parameters, nint queues, int queueBytes, nint requests, int requestBytes, ProvidedBuffers buffers)
    {
        _descriptor = descriptor;
        _queues = queues;
        _queueBytes = queueBytes;
        _requestMemory = requests;
        _requestBytes = requestBytes;
        _requests = (Libc.IoUringRequest*)requests;
        _submissionHead = (uint*)(queues + (nint)parameters.SubmissionHead);
        _submissionTail = (uint*)(queues + (nint)parameters.SubmissionTail);
        _submissionMask = *(uint*)(queues + (nint)parameters.SubmissionMask);
        _completionHead = (uint*)(queues + (nint)parameters.CompletionHead);
        _completionTail = (uint*)(queues + (nint)parameters.CompletionTail);
        _completionMask = *(uint*)(queues + (nint)parameters.CompletionMask);
        _completions = (IoUringCompletion*)(queues + (nint)parameters.Completions);
        uint* array = (uint*)(queues + (nint)parameters.SubmissionArray);
        for (uint i = 0; i <= _submissionMask; i++)
            array[i] = i;
        Buffers = buffers;
    }

    /// <summary>What it receives into.</summary>
    public ProvidedBuffers Buffers { get; }

    /// <summary>Whether requests were prepared that the kernel has not taken.</summary>
    public bool HasUnsubmitted => Unsubmitted > 0;

    /// <summary>Completions that can be taken.</summary>
    public int Ready => (int)(Volatile.Read(ref *_completionTail) - *_completionHead);

    private uint Unsubmitted => _tail - Volatile.Read(ref *_submissionHead);

    /// <param name="buffers">How many buffers to receive into; a power of two.</param>
    /// <param name="size">Bytes of each.</param>
    /// <returns>Null where the kernel or a sandbox refuses it, or its use: none before Linux 6.1, <c>kernel.io_uring_disabled</c>, seccomp.</returns>
    public static IoUring? TryCreate(int buffers, int size)
    {
        Libc.IoUringParameters parameters = new()
        {
            Flags = Libc.IORING_SETUP_CQSIZE | Libc.IORING_SETUP_SUBMIT_ALL | Libc.IORING_SETUP_SINGLE_ISSUER | Libc.IORING_SETUP_DEFER_TASKRUN,
            CompletionEntries = Completions,
        };
        int descriptor = Libc.IoUringSetup(Requests, ref parameters);
        if (descriptor < 0)
            return null;
        const uint Needed = Libc.IORING_FEAT_SINGLE_MMAP | Libc.IORING_FEAT_NODROP | Libc.IORING_FEAT_EXT_ARG;
        int queueBytes = (int)Math.Max(
            parameters.SubmissionArray + parameters.SubmissionEntries * sizeof(uint),
            parameters.Completions + parameters.CompletionEntries * (uint)sizeof(IoUringCompletion));
        int requestBytes = (int)parameters.SubmissionEntries * sizeof(Libc.IoUringRequest);
        nint queues = NativePages.MapFile(descriptor, Libc.IORING_OFF_SQ_RING, queueBytes);
        nint requests = NativePages.MapFile(descriptor, Libc.IORING_OFF_SQES, requestBytes);
        if ((parameters.Features & Needed) == Needed && queues != 0 && requests != 0
            && ProvidedBuffers.TryCreate(descriptor, Group, buffers, size) is { } provided)
        {
            var ring = new IoUring(descriptor, parameters, queues, queueBytes, requests, requestBytes, provided);
            // A sandbox may allow a ring to be made and refuse its use: found here, and not with clients on it.
            if (ring.Enter(0, 0) >= 0)
                return ring;
            ring.Dispose();
            return null;
        }
        Release(descriptor, queues, queueBytes, requests, requestBytes);
        return null;
    }

    /// <summary>Prepares to receive from a socket until its end, an error, or a want of buffers.</summary>
    public void Receive(int socket, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_RECV, socket, data);
        request.Flags = Libc.IOSQE_BUFFER_SELECT;
        request.Priority = Libc.IORING_RECV_MULTISHOT;
        request.BufferGroup = Group;
    }

    /// <summary>Prepares to send what the socket takes at once: it is complete as soon as it is submitted.</summary>
    public void Send(int socket, nint address, int length, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_SEND, socket, data);
        request.Address = (ulong)address;
        request.Length = (uint)length;
        request.OperationFlags = Libc.SendFlags;
    }

    /// <summary>Prepares to tell once that a descriptor is readable.</summary>
    public void Poll(int descriptor, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_POLL_ADD, descriptor, data);
        request.OperationFlags = Libc.EPOLLIN;
    }

    /// <summary>Prepares to end the request that was made with <paramref name="target"/>; it completes once more.</summary>
    /// <param name="target">The request's data.</param>
    /// <param name="data">Comes back where there is no such request, and only then.</param>
    public void Cancel(ulong target, ulong data)
    {
        ref Libc.IoUringRequest request = ref Next(Libc.IORING_OP_ASYNC_CANCEL, -1, data);
        request.Address = target;
        request.Flags = Libc.IOSQE_CQE_SKIP_SUCCESS;
    }

    /// <summary>Submits what was prepared, works out what is ready, and waits.</summary>
    /// <param name="waitFor">For how many completions to wait; 0 does not.</param>
    /// <param name="milliseconds">How long at most; -1: for ever.</param>
    /// <returns>0, or a negated error of the ring itself.</returns>
    public int Enter(int waitFor, int milliseconds)
    {
        int result = Libc.IoUringEnter(_descriptor, Unsubmitted, (uint)waitFor, milliseconds);
        // A full completion queue, or no memory for a request: what was not taken is submitted the next time.
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
        // The kernel looks only when the owner enters, so the request need not be complete yet.
        Volatile.Write(ref *_submissionTail, ++_tail);
        return ref request;
    }

    public void Dispose()
    {
        Release(_descriptor, _queues, _queueBytes, _requestMemory, _requestBytes);
        Buffers.Dispose();
    }

    private static void Release(int descriptor, nint queues, int queueBytes, nint requests, int requestBytes)
    {
        if (queues != 0)
            NativePages.Unmap(queues, queueBytes);
        if (requests != 0)
            NativePages.Unmap(requests, requestBytes);
        Libc.Close(descriptor);
    }
}
