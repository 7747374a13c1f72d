using System.Globalization;
using Microsoft.Extensions.Logging;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Admission;

/// <summary>Keeps the process from running out of descriptors: a client is admitted only if two are free for it (its own and its target's),
/// a flow of a UDP bridge if one is, beside a reserve for everything else, so a shortage never hits admitted clients. The last quarter of
/// the room is for bridges that hold no more than their share: one bridge's clients do not silence the others. Any thread may
/// call.</summary>
internal sealed partial class DescriptorBudget
{
    /// <summary>Clients in one handoff message from another process. The receiver takes a message if it has room for one client; the other
    /// seven, with a target each, have to fit into the reserve.</summary>
    public const int ClientsPerMessage = 8;

    private const string OwnDescriptors = "/proc/self/fd";

    public const int PerClient = 2;

    public const int PerFlow = 1;

    /// <summary>The default of a UDP bridge's <c>MaxConnections</c>, if a quarter of the descriptors is enough. With so many, at one new
    /// client a millisecond, a client still has eight seconds for its answer.</summary>
    private const int MostFlows = 8192;

    /// <summary>One descriptor in so many is for the flows of the bridges with that default: senders can be invented, and each flow costs
    /// a descriptor for <c>IdleTimeout</c>.</summary>
    private const int FlowsShare = 4;

    /// <summary>So few are tried without a count, which costs more than the attempt on kernels that have to list the folder.</summary>
    private const int FewDescriptors = 16;

    /// <summary>A handoff message, and descriptors that are open for a moment: a probe of a namespace, a file.</summary>
    private const int Margin = PerClient * ClientsPerMessage + 16;

    /// <summary>A shortage that comes and goes is logged once in this time.</summary>
    private const long LogPeriodMilliseconds = 60_000;

    private readonly ILogger<DescriptorBudget> _log;
    private readonly int _reserve;
    private readonly int _limit = Libc.DescriptorLimit();
    private int _room = PerClient;
    // Of clients and flows.
    private int _used;
    private int _flowBridges;
    private int _isExhausted;
    private int _isUnsure;
    private long _loggedAt = -LogPeriodMilliseconds;

    /// <param name="servers">Descriptors that the process's own servers may open at most.</param>
    /// <param name="log">Gets the shortages.</param>
    public DescriptorBudget(int servers, ILogger<DescriptorBudget> log)
    {
        _log = log;
        _reserve = servers + RelayResources.MostPipeDescriptors + Margin;
        Measure();
    }

    /// <summary>Counts the open descriptors that are not clients'. To be called when their number has changed. If no descriptor is left to
    /// count with, the last count holds.</summary>
    /// <remarks>Clients that wait for their target have not opened all they may, so with clients the count of the rest may be too high:
    /// the room does not grow until all clients have gone and it is counted again.</remarks>
    public void Measure()
    {
        int used = Volatile.Read(ref _used);
        if (CountOpen() is not { } open)
            return;
        int room = Math.Max(PerClient, _limit - Math.Max(0, open - used) - _reserve);
        Volatile.Write(ref _room, used > 0 ? Math.Min(room, Volatile.Read(ref _room)) : room);
        Volatile.Write(ref _isUnsure, used > 0 ? 1 : 0);
    }

    /// <summary>Why so many more cannot be open at once; null if they can.</summary>
    /// <param name="needed">How many descriptors.</param>
    /// <param name="has">How many of them are open already.</param>
    public string? WhyNot(int needed, int has) => needed > FewDescriptors && CountOpen() - has + needed > _limit ? Explain(needed) : null;

    /// <summary>The sentence for too few descriptors.</summary>
    /// <param name="needed">How many descriptors it would take.</param>
    public string Explain(int needed) => string.Create(
        CultureInfo.InvariantCulture,
        $"its listeners need {needed} descriptors, and this process may open {_limit} files in all; "
        + $"raise LimitNOFILE= or listen on fewer ports");

    private static int? CountOpen()
    {
        // The folder's size, since Linux 6.2. Listing it costs two calls for each entry: a tenth of a second with 8,000.
        if (Libc.LinkStatus(Libc.PathBytes(OwnDescriptors), out FileStatus status) >= 0 && status.Size > 0)
            return (int)status.Size;
        return CountEntries(OwnDescriptors);
    }

    /// <returns>Null if the folder cannot be opened, which takes a descriptor.</returns>
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

    /// <summary>How many bridges share the room.</summary>
    public int Bridges { get; set; } = 1;

    /// <summary>Whether a bridge may take another client or flow.</summary>
    /// <param name="held">Descriptors that it holds already.</param>
    /// <param name="needed">Descriptors that the client or flow takes.</param>
    public bool HasRoom(int held, int needed)
    {
        int room = Volatile.Read(ref _room);
        return Volatile.Read(ref _used) + needed <= room && (!IsNear || held < room / Math.Max(1, Bridges));
    }

    /// <summary>Whether less than a quarter of the room is free.</summary>
    private bool IsNear => Volatile.Read(ref _used) >= Volatile.Read(ref _room) * 3L / 4;

    /// <summary>As <see cref="HasRoom"/>, and reports the answer to <see cref="OnExhausted"/> or <see cref="OnRecovered"/>.</summary>
    public bool TryFindRoom(int held, int needed)
    {
        bool hasRoom = HasRoom(held, needed);
        if (hasRoom)
            OnRecovered();
        else
            OnExhausted(Errno.EMFILE);
        return hasRoom;
    }

    /// <summary>The most flows of a UDP bridge without <c>MaxConnections</c>, while there are as many bridges as now.</summary>
    public int FlowsPerBridge =>
        Math.Clamp(_limit / FlowsShare / Math.Max(1, Volatile.Read(ref _flowBridges)), 1, MostFlows);

    /// <summary>So many UDP bridges more, or fewer, have flows.</summary>
    public void CountFlowBridges(int change) => Interlocked.Add(ref _flowBridges, change);

    /// <summary>A client or flow was admitted that takes so many descriptors.</summary>
    public void Reserve(int descriptors) => Interlocked.Add(ref _used, descriptors);

    /// <summary>Its descriptors are closed.</summary>
    public void Release(int descriptors)
    {
        if (Interlocked.Add(ref _used, -descriptors) == 0 && Interlocked.Exchange(ref _isUnsure, 0) == 1)
            Measure();
    }

    /// <summary>Accepting pauses.</summary>
    /// <param name="error">The kernel's error, or EMFILE if the reserve is reached.</param>
    public void OnExhausted(Errno error)
    {
        if (Interlocked.Exchange(ref _isExhausted, 1) != 0)
            return;
        long now = Environment.TickCount64;
        if (now - Interlocked.Read(ref _loggedAt) < LogPeriodMilliseconds)
            return;
        Interlocked.Exchange(ref _loggedAt, now);
        Paused(error, _limit);
    }

    /// <summary>Clients are accepted. The shortage is over when a quarter of the room is free, not just a place or two.</summary>
    public void OnRecovered()
    {
        if (Volatile.Read(ref _isExhausted) != 0 && !IsNear && Interlocked.Exchange(ref _isExhausted, 0) == 1)
            Resumed();
    }

    [LoggerMessage(
        EventId = 1201, Level = LogLevel.Warning,
        Message = "Out of descriptors or memory ({Error}; this process may open {Limit} files): new clients wait until connections end. "
            + "Raise LimitNOFILE= if this is usual")]
    private partial void Paused(Errno error, int limit);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Debug, Message = "Descriptors are free again: accepting clients")]
    private partial void Resumed();
}
