using NsBridge.Benchmarks.Systems;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>Streams from the source, read and dropped; bytes a second.</summary>
internal sealed class DownLoad(Door door, double seconds, int streams)
{
    private const int BufferSize = 256 * 1024;

    internal Measured Run()
    {
        using var events = new EventSet<LoadSocket>();
        int errors = LoadSocket.Open(events, door, streams, Libc.EPOLLIN);
        byte[] buffer = GC.AllocateArray<byte>(BufferSize, pinned: true);
        var clock = new LoadClock(seconds);
        long total = 0, counted = 0;
        while (!clock.IsClosing)
        {
            bool counts = LoadClock.Now >= clock.Begin;
            foreach ((LoadSocket? socket, uint _) in events.Wait(50))
            {
                nint received = Libc.Receive(socket.Descriptor, buffer);
                if (received > 0)
                {
                    total += received;
                    counted += counts ? received : 0;
                }
                else if (Libc.ErrorOf(received) != Errno.EAGAIN)
                {
                    errors++;
                    events.Close(socket.Descriptor);
                }
            }
        }
        return new Measured(counted / clock.Seconds, total, 0, 0, errors);
    }
}
