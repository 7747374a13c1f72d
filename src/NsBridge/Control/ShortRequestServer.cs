using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Linux.Interop;
using NsBridge.Logging;

namespace NsBridge.Control;

/// <summary>Answers one short request per connection on a few listening sockets. No client can harm it: each connection has one deadline
/// for everything, and a new one beyond the limit evicts the oldest.</summary>
/// <remarks>Eviction instead of refusal keeps the answers quick while thousands of clients connect and send nothing.</remarks>
internal sealed partial class ShortRequestServer : IAsyncDisposable
{
    /// <summary>Connections at once on all sockets together: few in a process with few descriptors, so that they fit into its
    /// reserve.</summary>
    public static readonly int MostSessions = Math.Clamp(Libc.DescriptorLimit() / 32, 4, 32);

    /// <summary>For a whole exchange: a few round trips of a slow line.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_pauseWithoutDescriptors = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly LinkedList<CancellationTokenSource> _sessions = new();
    private readonly HashSet<Task> _running = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Connections that may be open: those that are served, and for each listener a new one that evicts one of them.</summary>
    private readonly SemaphoreSlim _slots;

    private readonly List<Socket> _listeners = [];
    private readonly List<Task> _accepting = [];
    private readonly Func<Socket, CancellationToken, Task> _answer;
    private readonly ILogger _log;
    private readonly RepeatedFault _faults;

    /// <param name="what">What is served, for the log.</param>
    /// <param name="listeners">Bound and listening; owned from here on.</param>
    /// <param name="answer">Reads a request and writes its answer; the socket is closed afterwards.</param>
    /// <param name="log">Receives faults.</param>
    public ShortRequestServer(string what, IReadOnlyList<Socket> listeners, Func<Socket, CancellationToken, Task> answer, ILogger log)
    {
        _slots = new SemaphoreSlim(MostSessions);
        _answer = answer;
        _log = log;
        _faults = new RepeatedFault(fault => CannotServe(what, fault), TimeProvider.System);
        foreach (Socket listener in listeners)
            Add(listener);
    }

    /// <summary>Serves another listener, which is owned from here on. Not while another call adds one, or the server is disposed.</summary>
    public void Add(Socket listener)
    {
        _listeners.Add(listener);
        _slots.Release();
        _accepting.Add(AcceptAsync(listener));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (Socket listener in _listeners)
            listener.Dispose();
        await Task.WhenAll(_accepting);
        Task[] running;
        lock (_lock)
            running = [.. _running];
        await Task.WhenAll(running);
        _faults.Dispose();
        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                await _slots.WaitAsync(_stop.Token);
                Begin(await NextAsync(listener));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The server stops.
        }
    }

    private async Task<Socket> NextAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                return await listener.AcceptAsync(_stop.Token);
            }
            catch (SocketException exception)
                when (exception.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                // The client left before it was served.
            }
            catch (SocketException exception)
            {
                // Out of descriptors or memory: clients stay in the queue.
                _faults.Happened(ErrorText.Of(exception));
                await Task.Delay(s_pauseWithoutDescriptors, _stop.Token);
            }
        }
    }

    private void Begin(Socket client)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(Deadline);
        LinkedListNode<CancellationTokenSource> node;
        CancellationTokenSource? evicted = null;
        lock (_lock)
        {
            if (_sessions.Count >= MostSessions)
            {
                evicted = _sessions.First!.Value;
                _sessions.RemoveFirst();
            }
            node = _sessions.AddLast(limit);
        }
        Evict(evicted);
        Task session = ServeAsync(client, limit, node);
        lock (_lock)
            _running.Add(session);
        _ = session.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private static void Evict(CancellationTokenSource? session)
    {
        try
        {
            // By the timer: callbacks must not run on the accepting path.
            session?.CancelAfter(TimeSpan.Zero);
        }
        catch (ObjectDisposedException)
        {
            // The session has just ended by itself.
        }
    }

    private async Task ServeAsync(Socket client, CancellationTokenSource limit, LinkedListNode<CancellationTokenSource> node)
    {
        // Not on the accepting path: a client whose whole request is there must not delay the next.
        await Task.Yield();
        try
        {
            await _answer(client, limit.Token);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or IOException)
        {
            // The client's fault.
        }
        catch (Exception exception)
        {
            _faults.Happened(ErrorText.Of(exception));
        }
        finally
        {
            lock (_lock)
            {
                if (node.List is not null)
                    _sessions.Remove(node);
            }
            client.Dispose();
            limit.Dispose();
            _slots.Release();
        }
    }

    private void Forget(Task session)
    {
        lock (_lock)
            _running.Remove(session);
    }

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "{What}: a request could not be served: {Fault}")]
    private partial void CannotServe(string what, string fault);
}
