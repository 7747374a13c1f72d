using System.Globalization;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Joining;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Admission;

/// <summary>
/// Keeps the process from running out of descriptors: a client is let in only where there are two for it (its own and its target's) and a
/// reserve for everything else, so those who are in are never the ones to suffer. Any thread may call.
/// </summary>
internal sealed partial class DescriptorBudget
{
    private const string OwnDescriptors = "/proc/self/fd";

    private const int PerClient = 2;

    /// <summary>So few are tried: where they are counted by listing them, that costs more.</summary>
    private const int FewDescriptors = 16;

    /// <summary>A message of handed over clients, for one of which there was room, and what opens a descriptor for a moment: a look at a namespace or a file.</summary>
    private const int Margin = PerClient * HandoffLink.ClientsPerMessage + 16;

    /// <summary>A shortage that comes and goes is told once in this time.</summary>
    private const long TellAgainMilliseconds = 60_000;

    private readonly ILogger<DescriptorBudget> _log;
    private readonly int _reserve;
    private readonly int _limit = Libc.DescriptorLimit();
    private int _room = 1;
    private int _clients;
    private int _pressed;
    private int _isUnsure;
    private long _toldAt = -TellAgainMilliseconds;

    /// <param name="servers">Descriptors that the process's own servers may open at most.</param>
    /// <param name="log">Gets the faults.</param>
    public DescriptorBudget(int servers, ILogger<DescriptorBudget> log)
    {
        _log = log;
        _reserve = servers + RelayResources.MostPipeDescriptors + Margin;
        Measure();
    }

    /// <summary>
    /// Counts what is open beside the clients: listeners and the rest. To be called when that has changed. Where there is no descriptor left to count
    /// with, the last count holds.
    /// </summary>
    /// <remarks>
    /// Clients who wait for their target have not taken what they may, so while there are any the rest may be more than it seems: there is no more room
    /// then than before, until they have gone and it is counted again.
    /// </remarks>
    public void Measure()
    {
        int clients = Volatile.Read(ref _clients);
        if (CountOpen() is not { } open)
            return;
        int others = open - PerClient * clients;
        int room = Math.Max(1, (_limit - Math.Max(0, others) - _reserve) / PerClient);
        Volatile.Write(ref _room, clients > 0 ? Math.Min(room, Volatile.Read(ref _room)) : room);
        Volatile.Write(ref _isUnsure, clients > 0 ? 1 : 0);
    }

    /// <summary>Why so many more cannot be open at once; null where they can.</summary>
    /// <param name="needed">How many descriptors.</param>
    /// <param name="has">How many of them are open already.</param>
    public string? WhyNot(int needed, int has) => needed > FewDescriptors && CountOpen() - has + needed > _limit ? Explain(needed) : null;

    /// <summary>What there are too few of.</summary>
    /// <param name="needed">How many descriptors it would take.</param>
    public string Explain(int needed) =>
        string.Create(CultureInfo.InvariantCulture, $"its listeners need {needed} descriptors, and this process may open {_limit} files in all; raise LimitNOFILE= or listen on fewer ports");

    private static int? CountOpen()
    {
        // The folder's size, since Linux 6.2. To list it costs two calls for each entry: a tenth of a second with 8,000.
        if (Libc.LinkStatus(Libc.PathBytes(OwnDescriptors), out FileStatus status) >= 0 && status.Size > 0)
            return (int)status.Size;
        return CountEntries(OwnDescriptors);
    }

    /// <returns>Null where the folder cannot be opened, which takes a descriptor.</returns>
    internal static int? CountEntries(string folder)
    {
        try
        {
            return Directory.GetFileSystemEntries(folder).Length;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether another client may be accepted.</summary>
    public bool HasRoom => Volatile.Read(ref _clients) < Volatile.Read(ref _room);

    /// <summary>A client was let in.</summary>
    /// <param name="pairs">Pairs of descriptors it takes: two where the join relays within this process.</param>
    public void Enter(int pairs) => Interlocked.Add(ref _clients, pairs);

    /// <summary>A client's descriptors are closed.</summary>
    public void Leave(int pairs)
    {
        if (Interlocked.Add(ref _clients, -pairs) == 0 && Interlocked.Exchange(ref _isUnsure, 0) == 1)
            Measure();
    }

    /// <summary>Accepting pauses.</summary>
    /// <param name="error">What the kernel said, or EMFILE where the reserve is reached.</param>
    public void Press(Errno error)
    {
        if (Interlocked.Exchange(ref _pressed, 1) != 0)
            return;
        long now = Environment.TickCount64;
        if (now - Interlocked.Read(ref _toldAt) < TellAgainMilliseconds)
            return;
        Interlocked.Exchange(ref _toldAt, now);
        Paused(error, _limit);
    }

    /// <summary>Clients are accepted. With a good part of the room free, and not just a place or two, the shortage is over.</summary>
    public void Relax()
    {
        if (Volatile.Read(ref _pressed) != 0 && Volatile.Read(ref _clients) < Volatile.Read(ref _room) * 3L / 4
            && Interlocked.Exchange(ref _pressed, 0) == 1)
        {
            Resumed();
        }
    }

    [LoggerMessage(EventId = 1201, Level = LogLevel.Warning,
        Message = "Out of descriptors or memory ({Error}; this process may open {Limit} files): new clients wait until connections end. Raise LimitNOFILE= if this is usual")]
    private partial void Paused(Errno error, int limit);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Debug, Message = "Descriptors are free again: accepting clients")]
    private partial void Resumed();
}
