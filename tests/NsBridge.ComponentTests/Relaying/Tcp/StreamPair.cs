using System.Net;
using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>Two connected stream sockets: a program's, and the one that a relay gets.</summary>
/// <param name="Program">The program's end.</param>
/// <param name="Relayed">The relay's end, a descriptor that it will own.</param>
internal sealed record StreamPair(Socket Program, int Relayed)
{
    /// <param name="kind">What the program's side is.</param>
    /// <param name="narrow">Whether as little as possible fits into the buffers between a TCP relay's end and a program that does not read.</param>
    internal static StreamPair Of(SocketKind kind, bool narrow = false) => kind == SocketKind.Tcp ? Tcp(narrow) : Unix();

    private static StreamPair Unix()
    {
        Libc.SocketPair(Libc.SOCK_STREAM, out int program, out int relayed);
        return new StreamPair(new Socket(new SafeSocketHandle(program, ownsHandle: true)), relayed);
    }

    private static StreamPair Tcp(bool narrow)
    {
        int listener = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM);
        try
        {
            Libc.Bind(listener, SockAddr.From(IPAddress.Loopback, 0));
            Libc.Listen(listener, 1);
            Libc.LocalAddress(listener, out SockAddr address);
            var program = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            // Before the connection: its window begins with that.
            if (narrow)
                program.ReceiveBufferSize = 1;
            // A blocking connect to loopback: it returns with the connection in the listener's queue.
            program.Connect(address.ToEndPoint()!);
            int relayed = Libc.Accept(listener, out _);
            Assert.That(relayed, Is.Positive);
            Libc.SetOption(relayed, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
            Libc.SetOption(relayed, Libc.SOL_SOCKET, Libc.SO_OOBINLINE, 1);
            if (narrow)
                Libc.SetOption(relayed, Libc.SOL_SOCKET, Libc.SO_SNDBUF, 1);
            return new StreamPair(program, relayed);
        }
        finally
        {
            Libc.Close(listener);
        }
    }
}
