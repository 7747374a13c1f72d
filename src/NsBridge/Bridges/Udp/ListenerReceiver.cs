using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Udp;

namespace NsBridge.Bridges.Udp;

/// <summary>The inner half's end of a link over which an outer half hands its listeners over. They are served for as long as the link
/// lasts: its end takes them back, and a record one alone. What is sent is checked; everything but UDP listeners is closed.</summary>
/// <param name="owner">Removes the receiver when the link ends.</param>
/// <param name="flows">Has the flows of its listeners; its loop is the receiver's.</param>
/// <param name="socket">The connection, owned from here on.</param>
internal sealed class ListenerReceiver(UdpInnerHalf owner, FlowTable flows, int socket) : HalfReceiver(flows.Loop, socket)
{
    /// <summary>The greeting of an inner half that takes listeners.</summary>
    public static ReadOnlySpan<byte> Hello => "nsbridge datagrams 1\n"u8;

    // By the kernel's number of the socket, which is the same for each descriptor of it.
    private readonly Dictionary<ulong, UdpListener> _listeners = [];

    /// <summary>Announces that listeners are taken. On the loop.</summary>
    public void Start()
    {
        // Without kernel memory for the watch the link ends, and the outer half retries.
        if (Begin(Libc.EPOLLIN | Libc.EPOLLRDHUP, Hello) < 0)
            owner.Remove(this);
    }

    protected override void OnEvents(uint events, int end)
    {
        Span<byte> records = stackalloc byte[Libc.DescriptorsPerMessage * ListenerRecord.Size];
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        nint read = Libc.ReceiveDescriptors(Socket, records, descriptors, out int count, out bool truncated);
        if (read == -(nint)(int)Errno.EAGAIN)
            return;
        // A listener that this process has no descriptor for, or cannot watch, is a port that is not served: the link ends, and the outer
        // half retries.
        bool isWhole = read > 0 && !truncated && read == count * ListenerRecord.Size;
        int taken = 0;
        while (isWhole && taken < count)
        {
            isWhole = Take(descriptors[taken], ListenerRecord.Read(records[(taken * ListenerRecord.Size)..]));
            taken++;
        }
        if (isWhole)
            return;
        foreach (int descriptor in descriptors[taken..count])
            Libc.Close(descriptor);
        owner.Remove(this);
    }

    /// <returns>False if it cannot be watched.</returns>
    private bool Take(int descriptor, ListenerRecord record)
    {
        ulong number = Libc.SocketCookie(descriptor);
        if (_listeners.Remove(number, out UdpListener? known))
            known.Stop();
        if (record.IsTakenBack || !UdpSocket.IsListener(descriptor) || Libc.SetNonBlocking(descriptor) < 0)
        {
            Libc.Close(descriptor);
            return true;
        }
        UdpSocket.PrepareListener(descriptor);
        var listener = new UdpListener(flows, descriptor, record.Offset, UdpSocket.IsSix(descriptor));
        _listeners.Add(number, listener);
        return listener.Start() >= 0;
    }

    /// <summary>Stops serving the listeners and closes the link. Repeated calls do nothing.</summary>
    public override void Close()
    {
        foreach (UdpListener listener in _listeners.Values)
            listener.Stop();
        _listeners.Clear();
        base.Close();
    }
}
