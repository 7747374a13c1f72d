using NsBridge.Benchmarks.Systems;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>Streams to the sink. Only bytes that the sink has acknowledged count: bytes in the buffers of a relay do not.</summary>
internal sealed class UpLoad(Door door, double seconds, int streams)
{
    private const int BufferSize = 256 * 1024;

    internal Measured Run()
    {
        using var events = new EventSet<LoadSocket>();
        int errors = LoadSocket.Open(events, door, streams, Libc.EPOLLIN | Libc.EPOLLOUT);
        byte[] buffer = GC.AllocateArray<byte>(BufferSize, pinned: true);
        var clock = new LoadClock(seconds);
        long total = 0, counted = 0;
        while (!clock.IsClosing)
        {
            foreach ((LoadSocket? socket, uint ready) in events.Wait(50))
            {
                long taken = 0L;
                nint result = (ready & ~Libc.EPOLLOUT) != 0 ? Taken(socket, buffer, out taken) : Libc.Send(socket.Descriptor, buffer);
                if (result <= 0 && Libc.ErrorOf(result) != Errno.EAGAIN)
                {
                    errors++;
                    events.Close(socket.Descriptor);
                }
                total += taken;
                counted += LoadClock.Now >= clock.Begin ? taken : 0;
            }
        }
        return new Measured(counted / clock.Seconds, total, 0, 0, errors);
    }

    /// <summary>Reads the sink's acknowledgements: its total so far, in eight bytes.</summary>
    private static nint Taken(LoadSocket socket, byte[] buffer, out long more)
    {
        nint received = Libc.Receive(socket.Descriptor, buffer.AsSpan(0, BufferSize));
        more = 0;
        // A part of a total never comes alone: it is sent in one piece, and so small that no relay divides it.
        if (received < sizeof(long))
            return received;
        long total = BitConverter.ToInt64(buffer, (int)received - sizeof(long));
        more = total - socket.Acknowledged;
        socket.Acknowledged = total;
        return received;
    }
}
