using System.Net;
using System.Net.Sockets;

namespace NsBridge.Testing;

/// <summary>
/// A server that runs in the test's own process on a listening socket, which may belong to any network namespace. Dispose resets the open
/// connections, so that they do not keep a deleted namespace.
/// </summary>
public sealed class TargetServer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Func<Socket, CancellationToken, Task> _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _connections = [];
    private readonly List<Task> _conversations = [];
    private readonly Task _accepting;
    private int _accepted;
    private int _resets;
    private bool _disposed;

    private TargetServer(Socket listener, Func<Socket, CancellationToken, Task> serve)
    {
        _listener = listener;
        _serve = serve;
        EndPoint = listener.LocalEndPoint!;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>The address of the listener inside its namespace.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>How many connections it has accepted.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>How many of them the far end has reset.</summary>
    public int Resets => Volatile.Read(ref _resets);

    /// <summary>Serves each connection to <paramref name="listener"/>, which it owns from now on, with <paramref name="serve"/>.</summary>
    public static TargetServer Start(Socket listener, Func<Socket, CancellationToken, Task> serve) => new(listener, serve);

    /// <summary>A server in the host's own namespace.</summary>
    public static TargetServer StartOnHost(IPEndPoint at, Func<Socket, CancellationToken, Task> serve)
    {
        var listener = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(at);
        listener.Listen();
        return new TargetServer(listener, serve);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Task[] conversations;
        lock (_connections)
        {
            _connections.ForEach(Abandon);
            conversations = [.. _conversations];
        }
        await Task.WhenAll(conversations);
        _stop.Dispose();
    }

    private static void Abandon(Socket connection)
    {
        try
        {
            connection.Reset();
        }
        catch (ObjectDisposedException)
        {
            // Its conversation has closed the socket and is about to end.
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket connection;
            try
            {
                connection = await _listener.AcceptAsync(_stop.Token);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            Interlocked.Increment(ref _accepted);
            lock (_connections)
            {
                _connections.Add(connection);
                _conversations.Add(Task.Run(() => ServeAsync(connection)));
            }
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        try
        {
            await _serve(connection, _stop.Token);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // The latter is EPIPE: the reset came before and this was a later write.
            Interlocked.Increment(ref _resets);
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over, or it took the connection away itself.
        }
        lock (_connections)
            _connections.Remove(connection);
        connection.Dispose();
    }
}
