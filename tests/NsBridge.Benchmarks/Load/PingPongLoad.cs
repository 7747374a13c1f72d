using NsBridge.Benchmarks.Systems;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>
/// Connections that each send a message, wait for all of it to come back and send the next; round trips a second and their latency.
/// </summary>
internal sealed class PingPongLoad(Door door, double seconds, int connections, int size)
{
    private readonly EventSet<LoadSocket> _events = new();
    private readonly byte[] _message = GC.AllocateArray<byte>(size, pinned: true);
    private readonly byte[] _back = GC.AllocateArray<byte>(size, pinned: true);
    private readonly LatencySamples _latency = new();
    private long _total;

    internal Measured Run()
    {
        using (_events)
        {
            // All are writable at once: that event starts them.
            int errors = LoadSocket.Open(_events, door, connections, Libc.EPOLLIN | Libc.EPOLLOUT);
            var clock = new LoadClock(seconds);
            while (!clock.IsClosing)
            {
                foreach ((LoadSocket? socket, uint ready) in _events.Wait(50))
                {
                    if (Step(socket, ready, clock))
                        continue;
                    errors++;
                    _events.Close(socket.Descriptor);
                }
            }
            double[] percentiles = _latency.Percentiles(0.5, 0.99);
            return new Measured(_latency.Count / clock.Seconds, _total, percentiles[0], percentiles[1], errors);
        }
    }

    /// <returns>False if the connection has failed.</returns>
    private bool Step(LoadSocket socket, uint ready, LoadClock clock)
    {
        if ((ready & Libc.EPOLLOUT) != 0 && !Send(socket))
            return false;
        if ((ready & ~Libc.EPOLLOUT) == 0)
            return true;
        int received = (int)Libc.Receive(socket.Descriptor, _back.AsSpan(0, size - socket.Received));
        if (received <= 0)
            return received == -(int)Errno.EAGAIN;
        socket.Received += received;
        if (socket.Received < size)
            return true;
        long now = LoadClock.Now;
        _total++;
        if (clock.Counts(socket.Since, now))
            _latency.Add(now - socket.Since);
        socket.Since = now;
        socket.Sent = socket.Received = 0;
        return Send(socket);
    }

    private bool Send(LoadSocket socket)
    {
        if (socket.Sent < size)
        {
            int sent = (int)Libc.Send(socket.Descriptor, _message.AsSpan(socket.Sent));
            if (sent < 0 && sent != -(int)Errno.EAGAIN)
                return false;
            socket.Sent += Math.Max(sent, 0);
        }
        bool waits = socket.Sent < size;
        if (waits != socket.WaitsForRoom)
        {
            socket.WaitsForRoom = waits;
            _events.Change(socket.Descriptor, waits ? Libc.EPOLLIN | Libc.EPOLLOUT : Libc.EPOLLIN);
        }
        return true;
    }
}
