using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>A UDP server inside a namespace that sends back what it receives, and keeps the senders' addresses.</summary>
internal sealed class UdpTarget : IAsyncDisposable
{
    private const int Largest = 65_535;

    private readonly Socket _socket;
    private readonly TimeSpan _distance;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<IPEndPoint, int> _senders = [];
    private readonly Task _serving;

    private UdpTarget(Socket socket, TimeSpan distance)
    {
        _socket = socket;
        _distance = distance;
        _socket.ReceiveBufferSize = 4 << 20;
        _serving = ServeAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Senders, with their number of datagrams: each flow of a bridge is one sender.</summary>
    public IReadOnlyDictionary<IPEndPoint, int> Senders => _senders;

    /// <param name="space">Its namespace.</param>
    /// <param name="address">The address to bind to; 127.0.0.1 if null.</param>
    /// <param name="port">The port; 0 for any.</param>
    /// <param name="distance">How long an answer takes.</param>
    public static UdpTarget Start(TestNamespace space, IPAddress? address = null, int port = 0, TimeSpan distance = default) =>
        new(space.BindUdp(new IPEndPoint(address ?? IPAddress.Loopback, port)), distance);

    /// <summary>From now on only this sender is heard; the kernel refuses all others.</summary>
    public Task HearOnlyAsync(IPEndPoint sender) => _socket.ConnectAsync(sender);

    private async Task ServeAsync()
    {
        byte[] buffer = new byte[Largest];
        var any = new IPEndPoint(EndPoint.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult received = await _socket.ReceiveFromAsync(buffer, any, _stop.Token);
                var sender = (IPEndPoint)received.RemoteEndPoint;
                _senders.AddOrUpdate(sender, 1, static (_, count) => count + 1);
                if (_distance == TimeSpan.Zero)
                    await _socket.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), sender, _stop.Token);
                else
                    _ = AnswerLaterAsync(buffer[..received.ReceivedBytes], sender);
            }
            catch (SocketException)
            {
                // Of a sender that has gone meanwhile.
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    private async Task AnswerLaterAsync(byte[] datagram, IPEndPoint sender)
    {
        try
        {
            await Task.Delay(_distance, _stop.Token);
            await _socket.SendToAsync(datagram, sender, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over, or the sender has gone.
        }
    }

    /// <summary>Again does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_serving.IsCompleted)
            return;
        await _stop.CancelAsync();
        await _serving;
        _socket.Dispose();
        _stop.Dispose();
    }
}
