using NsBridge.Benchmarks.Systems;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>Sixteen clients that connect, send a byte, get it back, half-close, see the end and close, over and over.</summary>
internal sealed class ConnectLoad(Door door, double seconds)
{
    private const int Clients = 16;
    private const double Patience = 2;

    private readonly EventSet<LoadSocket> _events = new();
    private readonly Dialer _dialer = new(door);
    private readonly LatencySamples _latency = new();
    private readonly byte[] _byte = GC.AllocateArray<byte>(1, pinned: true);
    private readonly LoadSocket?[] _running = new LoadSocket?[Clients];
    private int _errors;
    private long _total;

    internal Measured Run()
    {
        using (_events)
        {
            var clock = new LoadClock(seconds);
            while (!clock.IsClosing)
            {
                // Also replaces what hangs.
                for (int i = 0; i < Clients; i++)
                {
                    if (_running[i] is not { } socket)
                        Begin(i);
                    else if ((LoadClock.Now - socket.Since) / (double)System.Diagnostics.Stopwatch.Frequency > Patience)
                        End(i, failed: true);
                }
                foreach ((LoadSocket? socket, uint _) in _events.Wait(50))
                    Step(socket, clock);
            }
            double[] percentiles = _latency.Percentiles(0.5, 0.99);
            return new Measured(_latency.Count / clock.Seconds, _total, percentiles[0], percentiles[1], _errors);
        }
    }

    private void Begin(int client)
    {
        long since = LoadClock.Now;
        var socket = new LoadSocket(_dialer.Begin()) { Since = since };
        if (socket.Descriptor < 0)
        {
            _errors++;
            return;
        }
        _running[client] = socket;
        _events.Add(socket.Descriptor, socket, Libc.EPOLLOUT);
    }

    private void Step(LoadSocket socket, LoadClock clock)
    {
        int client = Array.IndexOf(_running, socket);
        if (socket.Sent == 0)
        {
            if (Libc.Send(socket.Descriptor, _byte) != 1)
            {
                End(client, failed: true);
                return;
            }
            socket.Sent = 1;
            _events.Change(socket.Descriptor, Libc.EPOLLIN);
            return;
        }
        int received = (int)Libc.Receive(socket.Descriptor, _byte);
        if (received == -(int)Errno.EAGAIN)
            return;
        if (received == 1 && socket.Received == 0)
        {
            socket.Received = 1;
            Libc.Shutdown(socket.Descriptor, Libc.SHUT_WR);
            return;
        }
        bool failed = received != 0 || socket.Received == 0;
        if (!failed)
        {
            _total++;
            long now = LoadClock.Now;
            if (clock.Counts(socket.Since, now))
                _latency.Add(now - socket.Since);
        }
        End(client, failed);
        Begin(client);
    }

    private void End(int client, bool failed)
    {
        _events.Close(_running[client]!.Descriptor, reset: failed);
        _running[client] = null;
        if (failed)
            _errors++;
    }
}
