using System.Diagnostics;
using NsBridge.Benchmarks.Systems;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>A client's connection and what it is about.</summary>
internal sealed class LoadSocket(int descriptor)
{
    private static readonly TimeSpan s_connectPatience = TimeSpan.FromSeconds(10);

    internal int Descriptor { get; } = descriptor;

    /// <summary>When its present exchange began.</summary>
    internal long Since { get; set; }

    /// <summary>Bytes of the present message that went out and came back.</summary>
    internal int Sent { get; set; }

    internal int Received { get; set; }

    /// <summary>Bytes that the sink has acknowledged.</summary>
    internal long Acknowledged { get; set; }

    /// <summary>Whether it is watched for room to send: at first it is, and that starts it.</summary>
    internal bool WaitsForRoom { get; set; } = true;

    /// <summary>Opens connections one after the other, each when the last is there.</summary>
    /// <returns>How many failed.</returns>
    internal static int Open(EventSet<LoadSocket> events, Door door, int count, uint interest)
    {
        var dialer = new Dialer(door);
        int errors = 0;
        var opened = new List<LoadSocket>();
        using var connecting = new EventSet<LoadSocket>();
        for (int i = 0; i < count; i++)
        {
            var socket = new LoadSocket(dialer.Begin());
            if (socket.Descriptor < 0)
            {
                errors++;
                continue;
            }
            int probe = Libc.Duplicate(socket.Descriptor);
            connecting.Add(probe, socket, Libc.EPOLLOUT);
            connecting.Wait((int)s_connectPatience.TotalMilliseconds);
            connecting.Close(probe);
            if (Libc.PendingError(socket.Descriptor) == Errno.None && Libc.PeerAddress(socket.Descriptor, out _) == 0)
            {
                opened.Add(socket);
                continue;
            }
            errors++;
            Libc.Close(socket.Descriptor);
        }
        foreach (LoadSocket socket in opened)
        {
            socket.Since = Stopwatch.GetTimestamp();
            events.Add(socket.Descriptor, socket, interest);
        }
        return errors;
    }
}
