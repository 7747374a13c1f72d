using NsBridge.Linux.Interop;
using NsBridge.Relaying;
using NsBridge.Relaying.Datagrams;

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
    private readonly List<DatagramListener> _listeners = [];

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
        Loop.Watch(this, 0, _socket, Libc.EPOLLIN | Libc.EPOLLRDHUP);
        Libc.Send(_socket, Hello);
    }

    protected override void OnEvents(uint events, int end)
    {
        Span<byte> records = stackalloc byte[Libc.DescriptorsPerMessage * ListenerRecord.Size];
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        nint read = Libc.ReceiveDescriptors(_socket, records, descriptors, out int count, out bool truncated);
        if (read == -(nint)(int)Errno.EAGAIN)
            return;
        // A listener that this process had no descriptor for is a port that nobody serves: the link ends, and the outer half tries again.
        if (read <= 0 || truncated || read != count * ListenerRecord.Size)
        {
            foreach (int descriptor in descriptors[..count])
                Libc.Close(descriptor);
            _owner.Remove(this);
            return;
        }
        for (int i = 0; i < count; i++)
            Take(descriptors[i], ListenerRecord.Read(records[(i * ListenerRecord.Size)..]).Offset);
    }

    private void Take(int descriptor, int offset)
    {
        if (!UdpSocket.IsListener(descriptor) || Libc.SetNonBlocking(descriptor) < 0)
        {
            Libc.Close(descriptor);
            return;
        }
        UdpSocket.PrepareListener(descriptor);
        var listener = new DatagramListener(_flows, descriptor, offset, UdpSocket.IsSix(descriptor));
        _listeners.Add(listener);
        listener.Start();
    }

    /// <summary>Ends the listening and closes the link. On the loop; again does nothing.</summary>
    public void Close()
    {
        if (!IsAttached)
            return;
        foreach (DatagramListener listener in _listeners)
            listener.Stop();
        _listeners.Clear();
        Loop.Detach(this);
        Libc.Close(_socket);
    }
}
