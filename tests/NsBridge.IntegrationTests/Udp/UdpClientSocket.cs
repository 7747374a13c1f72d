using System.Net;
using System.Net.Sockets;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>A client with one UDP socket.</summary>
internal sealed class UdpClientSocket : IDisposable
{
    private const int Largest = 65_535;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[Largest];
    private readonly IPEndPoint _to;

    /// <param name="to">The address that it sends to.</param>
    /// <param name="from">Its own address; the kernel's choice if null.</param>
    public UdpClientSocket(IPEndPoint to, IPAddress? from = null)
    {
        _to = to;
        _socket = new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
        {
            EnableBroadcast = to.AddressFamily == AddressFamily.InterNetwork
        };
        _socket.Bind(new IPEndPoint(from ?? (to.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any), 0));
    }

    /// <summary>The sender of the last answer.</summary>
    public IPEndPoint? Answerer { get; private set; }

    public void Send(ReadOnlySpan<byte> datagram) => _socket.SendTo(datagram, _to);

    /// <summary>The next datagram; null if none arrives in time.</summary>
    public async Task<byte[]?> ReceiveAsync(TimeSpan? patience = null)
    {
        using var deadline = new CancellationTokenSource(patience ?? s_patience);
        try
        {
            var any = new IPEndPoint(_to.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
            SocketReceiveFromResult received = await _socket.ReceiveFromAsync(_buffer, any, deadline.Token);
            Answerer = (IPEndPoint)received.RemoteEndPoint;
            return _buffer[..received.ReceivedBytes];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Sends and checks that the same comes back.</summary>
    public async Task EchoAsync(byte[] datagram)
    {
        Send(datagram);
        Assert.That(await ReceiveAsync(), Is.EqualTo(datagram));
    }

    /// <summary>Whether what is sent comes back within a short while.</summary>
    public async Task<bool> IsServedAsync(byte[] datagram)
    {
        Send(datagram);
        return await ReceiveAsync(TimeSpan.FromMilliseconds(500)) is { } answer && answer.AsSpan().SequenceEqual(datagram);
    }

    public void Dispose() => _socket.Dispose();
}
