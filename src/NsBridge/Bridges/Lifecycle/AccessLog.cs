using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>A connection or flow that has ended.</summary>
/// <param name="Peer">The client.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="ToTarget">Bytes that the target has taken.</param>
/// <param name="ToClient">Bytes that the client has taken.</param>
/// <param name="Milliseconds">From the client's arrival to the end.</param>
internal readonly record struct EndedConnection(PeerAddress Peer, RelayOutcome Outcome, long ToTarget, long ToClient, long Milliseconds);

/// <summary>Logs a line for each ended connection of the bridges with <c>AccessLog</c>. A task of its own writes: a loop only queues the
/// facts, and never waits for whoever reads the log. What finds the queue full is counted instead.</summary>
internal sealed partial class AccessLog : IDisposable
{
    /// <summary>More than a second of what a busy machine relays; 1.5 MiB at most, and nothing without the key.</summary>
    private const int LongestQueue = 16_384;

    /// <summary>Between two batches: to wake the task for each connection costs a busy loop more than its line does.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(1);

    private readonly Channel<(string Bridge, EndedConnection Ended)> _queue =
        Channel.CreateBounded<(string, EndedConnection)>(new BoundedChannelOptions(LongestQueue) { SingleReader = true });

    private readonly ILogger _log;
    private readonly Task _writing;
    private long _lost;

    public AccessLog(ILogger<AccessLog> log)
    {
        _log = log;
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Queues a line. Any thread may call; never waits.</summary>
    public void Add(string bridge, in EndedConnection ended)
    {
        if (!_queue.Writer.TryWrite((bridge, ended)))
            Interlocked.Increment(ref _lost);
    }

    private async Task WriteAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            await Task.Delay(s_pause);
            for (int i = 0; i < LongestQueue && _queue.Reader.TryRead(out (string Bridge, EndedConnection Connection) ended); i++)
            {
                (PeerAddress peer, RelayOutcome outcome, long toTarget, long toClient, long milliseconds) = ended.Connection;
                Ended(ended.Bridge, peer, outcome.Ending.Word, milliseconds / 1000.0, toTarget, toClient);
            }
            if (Volatile.Read(ref _lost) > 0)
                Lost(Interlocked.Exchange(ref _lost, 0));
        }
    }

    /// <summary>Writes what is queued, as far as that takes a second at most.</summary>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _writing.Wait(s_lastWords);
    }

    [LoggerMessage(EventId = 1016, Level = LogLevel.Information,
        Message = "Bridge {Bridge}: client {Client} ended ({Outcome}) after {Seconds:0.###} s: "
            + "{BytesToTarget} bytes to the target, {BytesToClient} to the client")]
    private partial void Ended(string bridge, PeerAddress client, string outcome, double seconds, long bytesToTarget, long bytesToClient);

    [LoggerMessage(EventId = 1017, Level = LogLevel.Warning,
        Message = "Connections that are missing in the access log, because more ended than could be written: {Count}")]
    private partial void Lost(long count);
}
