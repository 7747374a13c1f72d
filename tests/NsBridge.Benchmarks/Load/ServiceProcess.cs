using System.Net;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>The services, on one thread with one epoll: as little as can be between the relay and the answer.</summary>
internal sealed class ServiceProcess
{
    internal const string Ready = "ready";

    private const int FirstPort = 5001;
    private const int Backlog = 4096;
    private const int BufferSize = 256 * 1024;
    private const int TellEvery = 1 << 20;

    private readonly EventSet<ServedConnection> _events = new();
    private readonly byte[] _buffer = GC.AllocateArray<byte>(BufferSize, pinned: true);

    internal static int PortOf(Service service) => FirstPort + (int)service;

    /// <summary>Serves until the process is ended.</summary>
    internal static void Run() => new ServiceProcess().Serve();

    private void Serve()
    {
        foreach (Service service in Enum.GetValues<Service>())
        {
            int listener = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM);
            Libc.SetOption(listener, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
            if (Libc.Bind(listener, SockAddr.From(IPAddress.Any, PortOf(service))) < 0 || Libc.Listen(listener, Backlog) < 0)
                throw new InvalidOperationException($"cannot listen on port {PortOf(service)}");
            _events.Add(listener, new ServedConnection(listener, service, IsListener: true), Libc.EPOLLIN);
        }
        Console.WriteLine(Ready);
        while (true)
        {
            foreach ((ServedConnection? connection, uint _) in _events.Wait(Timeout.Infinite))
            {
                if (connection.IsListener)
                    Accept(connection);
                else if (!Answer(connection))
                    _events.Close(connection.Descriptor);
            }
        }
    }

    private void Accept(ServedConnection listener)
    {
        while (Libc.Accept(listener.Descriptor, out _) is >= 0 and var accepted)
        {
            Libc.SetOption(accepted, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
            _events.Add(accepted, new ServedConnection(accepted, listener.Service, IsListener: false), listener.Service == Service.Source
                ? Libc.EPOLLOUT : Libc.EPOLLIN);
        }
    }

    /// <returns>False if the connection is closed.</returns>
    private bool Answer(ServedConnection connection) => connection.Service switch
    {
        Service.Echo => Echo(connection),
        Service.Sink => Take(connection),
        _ => Libc.Send(connection.Descriptor, _buffer) is var sent && (sent > 0 || Blocked(sent)),
    };

    private bool Echo(ServedConnection connection)
    {
        if (connection.Pending is { } pending)
        {
            nint sent = Libc.Send(connection.Descriptor, pending);
            if (sent < 0)
                return Blocked(sent);
            connection.Pending = (int)sent == pending.Length ? null : pending[(int)sent..];
            if (connection.Pending is null)
                _events.Change(connection.Descriptor, Libc.EPOLLIN);
            return true;
        }
        nint received = Libc.Receive(connection.Descriptor, _buffer);
        if (received <= 0)
            return Blocked(received);
        nint answered = Libc.Send(connection.Descriptor, _buffer.AsSpan(0, (int)received));
        if (answered == received)
            return true;
        if (answered < 0 && !Blocked(answered))
            return false;
        connection.Pending = _buffer.AsSpan((int)Math.Max(answered, 0), (int)(received - Math.Max(answered, 0))).ToArray();
        _events.Change(connection.Descriptor, Libc.EPOLLOUT);
        return true;
    }

    private bool Take(ServedConnection connection)
    {
        nint received = Libc.Receive(connection.Descriptor, _buffer);
        if (received <= 0)
            return Blocked(received);
        long before = connection.Taken;
        connection.Taken += received;
        if (before / TellEvery != connection.Taken / TellEvery)
            Libc.Send(connection.Descriptor, MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in connection.Taken)));
        return true;
    }

    private static bool Blocked(nint result) => Libc.ErrorOf(result) == Errno.EAGAIN;
}
