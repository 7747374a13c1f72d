using System.Net;
using NsBridge.Linux.Interop;

namespace NsBridge.ComponentTests.Relaying.Udp;

/// <summary>Two UDP sockets on 127.0.0.1, connected to each other.</summary>
internal sealed class LoopbackPair : IDisposable
{
    public LoopbackPair()
    {
        First = Bound();
        Second = Bound();
        Connect(First, Second);
        Connect(Second, First);
    }

    public int First { get; }

    public int Second { get; }

    /// <summary>A new socket on a port of the kernel's choice.</summary>
    public static int Bound()
    {
        int socket = Libc.Socket(Libc.AF_INET, Libc.SOCK_DGRAM);
        Assert.That(Libc.Bind(socket, SockAddr.From(IPAddress.Loopback, 0)), Is.Zero);
        return socket;
    }

    public static void Connect(int from, int to)
    {
        Assert.That(Libc.LocalAddress(to, out SockAddr address), Is.Zero);
        Assert.That(Libc.Connect(from, address), Is.Zero);
    }

    /// <summary>The lengths of all datagrams that wait on a socket.</summary>
    public static List<int> Lengths(int socket)
    {
        var lengths = new List<int>();
        Span<byte> buffer = new byte[65_535];
        while (true)
        {
            nint read = Libc.Receive(socket, buffer);
            if (read < 0)
                return lengths;
            lengths.Add((int)read);
        }
    }

    public void Dispose()
    {
        Libc.Close(First);
        Libc.Close(Second);
    }
}
