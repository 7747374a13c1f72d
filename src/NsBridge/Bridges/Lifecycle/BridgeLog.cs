using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Admission;
using NsBridge.Logging;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>The log of a bridge. Any thread may call.</summary>
internal sealed partial class BridgeLog : IDisposable
{
    /// <summary>The event of a bridge that begins to serve.</summary>
    public const int UpEvent = 1001;

    private readonly AccessLog _access;
    private readonly ILogger _log;
    private readonly string _bridge;
    private readonly RepeatedFault _unreachable;
    private readonly RepeatedFault _refused;
    private readonly RepeatedFault _dropped;
    private bool _isTargetAway;

    public BridgeLog(ILogger log, string bridge, AccessLog access)
    {
        _access = access;
        _log = log;
        _bridge = bridge;
        _unreachable = new RepeatedFault(fault => Unreachable(_log, _bridge, fault), TimeProvider.System);
        _refused = new RepeatedFault(fault => Refused(_log, _bridge, fault), TimeProvider.System);
        _dropped = new RepeatedFault(fault => Dropped(_log, _bridge, fault), TimeProvider.System);
    }

    public void Up(string listen, string place, string target) => Up(_log, _bridge, listen, place, target);

    public void UpInPart(string missing) => UpInPart(_log, _bridge, missing);

    public void Waiting(string reason) => Waiting(_log, _bridge, reason);

    public void Failed(string reason) => Failed(_log, _bridge, reason);

    public void Stopped() => Stopped(_log, _bridge);

    public void SocketMadeAnew(string path) => SocketMadeAnew(_log, _bridge, path);

    /// <param name="areFlows">Whether it is a UDP bridge.</param>
    /// <param name="isRetargeted">Whether it has another target now.</param>
    public void Changed(bool areFlows, bool isRetargeted) => Changed(_log, _bridge, (areFlows, isRetargeted) switch
    {
        (false, _) => "its limits or its target; connections go on",
        (true, true) => "its target; flows to the old one end",
        (true, false) => "its limits; flows within them go on",
    });

    /// <param name="count">How many were ended.</param>
    /// <param name="areFlows">Whether they are a UDP bridge's, which end without a reset.</param>
    public void NamespaceEnded(int count, bool areFlows) => NamespaceEnded(_log, _bridge, (areFlows, count) switch
    {
        (true, 1) => "1 flow into it was ended",
        (true, _) => $"{count} flows into it were ended",
        (false, 1) => "1 connection into it was reset",
        (false, _) => $"{count} connections into it were reset",
    });

    /// <param name="connections">Those that the bridge still has.</param>
    public void Removed(long connections) => TakenAway("removed", connections);

    /// <param name="connections">Those that the bridge still has.</param>
    public void SwitchedOff(long connections) => TakenAway("switched off", connections);

    private void TakenAway(string how, long connections) => TakenAway(_log, _bridge, how, connections switch
    {
        0 => "",
        1 => "; 1 connection goes on",
        _ => $"; {connections} connections go on",
    });

    public void ListenReplaced(string listen, string handed) => ListenReplaced(_log, _bridge, listen, handed);

    /// <summary>A client's target could not be reached: logged once, then counted.</summary>
    public void Unreachable(PeerAddress peer, string reason)
    {
        _unreachable.Happened(reason);
        if (_log.IsEnabled(LogLevel.Debug))
            ClientFailed(_log, _bridge, peer, reason);
    }

    /// <summary>The target is another one now.</summary>
    public void ForgetTarget() => _unreachable.Forget();

    /// <summary>A client was refused: logged once, then counted.</summary>
    public void Refused(PeerAddress peer, AdmitVerdict verdict)
    {
        _refused.Happened(verdict switch
        {
            AdmitVerdict.NotAllowed => "clients outside AllowFrom are closed",
            AdmitVerdict.Forged => "datagrams whose source is a listener of the daemon are dropped: they are forged, or come from a loop",
            AdmitVerdict.OtherFamily => "clients are closed whose address is not of the target's family (SourceAddress: client)",
            AdmitVerdict.NoAddress =>
                "clients are closed whose outer half does not tell their address: it needs SourceAddress client too, or Join handoff",
            AdmitVerdict.BridgeFull => "clients beyond MaxConnections are closed",
            _ => "clients beyond MaxConnectionsPerClient are closed",
        });
        if (_log.IsEnabled(LogLevel.Debug))
            ClientRefused(_log, _bridge, peer, verdict);
    }

    /// <summary>Logs that a probe finds the target gone or back.</summary>
    public void Target(TargetState state, string reason)
    {
        if (state == TargetState.Unknown)
            return;
        bool wasAway = _isTargetAway;
        _isTargetAway = state != TargetState.Answers;
        if (_isTargetAway)
            TargetAway(_log, _bridge, reason);
        else if (wasAway)
            TargetBack(_log, _bridge);
    }

    /// <summary>Datagrams were dropped: logged once, then counted.</summary>
    public void Dropped(string reason) => _dropped.Happened(reason);

    /// <param name="ended">The connection.</param>
    /// <param name="isAccess">Whether it goes to the access log; else it is logged at debug level.</param>
    public void Ended(in EndedConnection ended, bool isAccess)
    {
        if (isAccess)
            _access.Add(_bridge, ended);
        // Unreachable has reported it.
        else if (ended.Outcome.Ending != EndReason.Unreachable && _log.IsEnabled(LogLevel.Debug))
            ClientEnded(_log, _bridge, ended.Peer, ended.Outcome.Ending, ended.ToTarget, ended.ToClient);
    }

    public void Dispose()
    {
        _unreachable.Dispose();
        _refused.Dispose();
        _dropped.Dispose();
    }

    [LoggerMessage(EventId = UpEvent, Level = LogLevel.Information, Message = "Bridge {Bridge} is up: {Listen} -> {Place} -> {Target}")]
    private static partial void Up(ILogger log, string bridge, string listen, string place, string target);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Information, Message = "Bridge {Bridge} is waiting: {Reason}")]
    private static partial void Waiting(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1003, Level = LogLevel.Error, Message = "Bridge {Bridge} has failed: {Reason}")]
    private static partial void Failed(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1004, Level = LogLevel.Information, Message = "Bridge {Bridge} has stopped")]
    private static partial void Stopped(ILogger log, string bridge);

    [LoggerMessage(EventId = 1005, Level = LogLevel.Information, Message = "Bridge {Bridge} was changed: {What}")]
    private static partial void Changed(ILogger log, string bridge, string what);

    [LoggerMessage(EventId = 1006, Level = LogLevel.Warning, Message = "Bridge {Bridge}: its namespace went away; {Ended}")]
    private static partial void NamespaceEnded(ILogger log, string bridge, string ended);

    [LoggerMessage(EventId = 1007, Level = LogLevel.Warning, Message = "Bridge {Bridge}: {Reason}")]
    private static partial void Unreachable(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1008, Level = LogLevel.Warning, Message = "Bridge {Bridge}: {Reason}")]
    private static partial void Refused(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1009, Level = LogLevel.Debug, Message = "Bridge {Bridge}: client {Client} failed: {Reason}")]
    private static partial void ClientFailed(ILogger log, string bridge, PeerAddress client, string reason);

    [LoggerMessage(EventId = 1010, Level = LogLevel.Debug, Message = "Bridge {Bridge}: client {Client} refused: {Verdict}")]
    private static partial void ClientRefused(ILogger log, string bridge, PeerAddress client, AdmitVerdict verdict);

    [LoggerMessage(EventId = 1011, Level = LogLevel.Debug,
        Message = "Bridge {Bridge}: client {Client} ended: {Ending}, {ToTarget} bytes to the target, {ToClient} to the client")]
    private static partial void ClientEnded(ILogger log, string bridge, PeerAddress client, EndReason ending, long toTarget, long toClient);

    [LoggerMessage(EventId = 1012, Level = LogLevel.Warning, Message = "Bridge {Bridge}: {Reason}")]
    private static partial void Dropped(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1013, Level = LogLevel.Warning, Message = "Bridge {Bridge}: {Path} was removed or replaced; it was made anew")]
    private static partial void SocketMadeAnew(ILogger log, string bridge, string path);

    [LoggerMessage(EventId = 1014, Level = LogLevel.Information, Message = "Bridge {Bridge} was {How}{Rest}")]
    private static partial void TakenAway(ILogger log, string bridge, string how, string rest);

    [LoggerMessage(EventId = 1015, Level = LogLevel.Warning,
        Message = "Bridge {Bridge}: its Listen is {Listen} now, but what systemd passed ({Handed}) replaces it; "
            + "its socket unit determines where it listens")]
    private static partial void ListenReplaced(ILogger log, string bridge, string listen, string handed);

    [LoggerMessage(EventId = 1018, Level = LogLevel.Warning, Message = "Bridge {Bridge} is up, but not on all of its Listen: {Reason}")]
    private static partial void UpInPart(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1019, Level = LogLevel.Warning, Message = "Bridge {Bridge}: a probe finds: {Reason}")]
    private static partial void TargetAway(ILogger log, string bridge, string reason);

    [LoggerMessage(EventId = 1020, Level = LogLevel.Information, Message = "Bridge {Bridge}: a probe finds that its target answers again")]
    private static partial void TargetBack(ILogger log, string bridge);
}
