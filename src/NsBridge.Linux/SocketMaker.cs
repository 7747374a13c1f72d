using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Makes sockets of a network namespace that this process may not enter: another process of this program is inside and hands them
/// out. It has no part in the connections. Any thread may ask; an answer takes some 50 µs.</summary>
/// <param name="channel">One end of a pair of SOCK_SEQPACKET sockets; owned from here on.</param>
public sealed class SocketMaker(int channel) : IDisposable
{
    /// <summary>A process that is stopped does not answer.</summary>
    private const int AnswerMilliseconds = 1000;

    private readonly Lock _lock = new();
    private int _channel = channel;

    /// <summary>Whether the other process is there.</summary>
    public bool IsAlive
    {
        get
        {
            lock (_lock)
                return _channel >= 0 && (Libc.Ready(_channel, 0) & Libc.EPOLLHUP) == 0;
        }
    }

    /// <summary>Waits until the other process is inside.</summary>
    /// <returns>False if it ends before, or takes longer.</returns>
    public bool WaitStarted(int milliseconds)
    {
        Span<byte> hello = stackalloc byte[1];
        return Libc.Wait(_channel, Libc.EPOLLIN, milliseconds) && Libc.Receive(_channel, hello) == hello.Length;
    }

    /// <summary>Asks for sockets. After a failure of the other process there are none any more.</summary>
    internal int OpenSockets(int domain, int type, int protocol, Span<int> sockets, out EnterFailure failure)
    {
        Span<int> question = [domain, type, protocol, sockets.Length];
        Span<int> error = [0];
        Span<int> received = stackalloc int[Libc.DescriptorsPerMessage];
        lock (_lock)
        {
            failure = new EnterFailure(EnterStep.Open, Errno.ESRCH);
            if (_channel < 0)
                return 0;
            int count = 0;
            bool isCut = false;
            bool isAnswered = Libc.SendDescriptors(_channel, MemoryMarshal.AsBytes(question), []) >= 0
                && Libc.Wait(_channel, Libc.EPOLLIN, AnswerMilliseconds)
                && Libc.ReceiveDescriptors(_channel, MemoryMarshal.AsBytes(error), received, out count, out isCut) == sizeof(int);
            if (!isAnswered)
            {
                // A late answer would pass for that of the next question.
                Libc.Close(_channel);
                _channel = -1;
                return 0;
            }
            received[..count].CopyTo(sockets);
            failure = isCut ? new EnterFailure(EnterStep.Socket, Errno.EMFILE)
                : error[0] != 0 ? new EnterFailure(EnterStep.Socket, (Errno)error[0])
                : default;
            return count;
        }
    }

    /// <summary>The process inside: answers until the other end is closed.</summary>
    public static void Serve(int channel)
    {
        Span<int> question = stackalloc int[4];
        Span<int> sockets = stackalloc int[Libc.DescriptorsPerMessage];
        Libc.Send(channel, [1]);
        while (Libc.Wait(channel, Libc.EPOLLIN, -1)
            && Libc.Receive(channel, MemoryMarshal.AsBytes(question)) == question.Length * sizeof(int))
        {
            Span<int> wanted = sockets[..Math.Min(question[3], sockets.Length)];
            int count = NetworkNamespace.MakeSockets(question[0], question[1], question[2], wanted, out EnterFailure failure);
            int error = (int)failure.Error;
            Libc.SendDescriptors(channel, MemoryMarshal.AsBytes(new Span<int>(ref error)), wanted[..count]);
            foreach (int socket in wanted[..count])
                Libc.Close(socket);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            Libc.Close(_channel);
            _channel = -1;
        }
    }
}
