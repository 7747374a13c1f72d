using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Udp;

namespace NsBridge.Bridges.Udp;

/// <summary>
/// The inner half's end of a link over which an outer half hands its listeners over. They are listened on for as long as the link
/// is there: its end is the outer half's way to take them back. What is sent is checked; anything but UDP listeners is closed.
/// </summary>
internal sealed class ListenerReceiver : EventSource
{
    /// <summary>What the inner half says first, to an outer half whose listeners it takes.</summary>
    public static ReadOnlySpan<byte> Hello => "nsbridge datagrams 1\n"u8;

    private readonly UdpInnerHalf _owner;
    private readonly FlowTable _flows;
    private readonly int _socket;
    private readonly List<UdpListener> _listeners = [];

    /// <param name="owner">Whose socket it came to.</param>
    /// <param name="flows">Has the flows of what comes here; on its loop this lives.</param>
    /// <param name="socket">The connection, owned from here on.</param>
    public ListenerReceiver(UdpInnerHalf owner, FlowTable flows, int socket)
    {
        _owner = owner;
        _flows = flows;
        _socket = socket;
    }

    private EventLoop Loop => _flows.Loop;

    /// <summary>Says that listeners are taken. On the loop.</summary>
    public void Start()
    {
        Loop.Attach(this);
        Libc.Send(_socket, Hello);
        // Where the kernel has no memory for it the link ends, and the outer half tries again.
        if (Loop.Watch(this, 0, _socket, Libc.EPOLLIN | Libc.EPOLLRDHUP) < 0)
            _owner.Remove(this);
    }

    protected override void OnEvents(uint events, int end)
    {
        Span<byte> records = stackalloc byte[Libc.DescriptorsPerMessage * ListenerRecord.Size];
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        nint read = Libc.ReceiveDescriptors(_socket, records, descriptors, out int count, out bool truncated);
        if (read == -(nint)(int)Errno.EAGAIN)
            return;
        // A listener that this process has no descriptor for, or cannot watch, is a port that nobody serves: the link ends, and the outer half tries again.
        bool isWhole = read > 0 && !truncated && read == count * ListenerRecord.Size;
        int taken = 0;
        while (isWhole && taken < count)
        {
            isWhole = Take(descriptors[taken], ListenerRecord.Read(records[(taken * ListenerRecord.Size)..]).Offset);
            taken++;
        }
        if (isWhole)
            return;
        foreach (int descriptor in descriptors[taken..count])
            Libc.Close(descriptor);
        _owner.Remove(this);
    }

    /// <returns>False where it cannot be watched.</returns>
    private bool Take(int descriptor, int offset)
    {
        if (!UdpSocket.IsListener(descriptor) || Libc.SetNonBlocking(descriptor) < 0)
        {
            Libc.Close(descriptor);
            return true;
        }
        UdpSocket.PrepareListener(descriptor);
        var listener = new UdpListener(_flows, descriptor, offset, UdpSocket.IsSix(descriptor));
        _listeners.Add(listener);
        return listener.Start() >= 0;
    }

    /// <summary>Ends the listening and closes the link. On the loop; again does nothing.</summary>
    public void Close()
    {
        if (!IsAttached)
            return;
        foreach (UdpListener listener in _listeners)
            listener.Stop();
        _listeners.Clear();
        Loop.Detach(this);
        Libc.Close(_socket);
    }
}
