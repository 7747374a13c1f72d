using System.Text.Json;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Bridges;

/// <summary>Why a bridge is in its state: one word of a closed list, for programs. <c>status --json</c> writes it in lower case with
/// hyphens.</summary>
internal enum ReasonCode
{
    /// <summary>The state needs no reason.</summary>
    None,

    /// <summary>The bridge is about to listen.</summary>
    Starting,

    /// <summary>The bridge takes no new connections; open ones may end.</summary>
    Stopping,

    /// <summary>The namespace has not been looked for yet.</summary>
    NamespaceUnknown,

    /// <summary>The namespace, or the process, unit or container that has it, is not there.</summary>
    NamespaceMissing,

    /// <summary>The daemon lacks a privilege to enter the namespace.</summary>
    NamespaceForbidden,

    /// <summary>The reference leads to something that is not a namespace of its own, or to more than one.</summary>
    NamespaceUnusable,

    /// <summary>Answers to clients' own addresses do not come back inside the namespace.</summary>
    ReturnRouteMissing,

    /// <summary>The daemon lacks a privilege to use clients' own addresses.</summary>
    SourceAddressForbidden,

    /// <summary>systemd or the container engine gives no answer.</summary>
    LocatorUnavailable,

    /// <summary>The container engine does not admit the daemon's user.</summary>
    LocatorForbidden,

    /// <summary>An address of <c>Listen</c> cannot be bound.</summary>
    ListenerUnavailable,

    /// <summary>The bridge listens, but not on every address and port of <c>Listen</c>.</summary>
    ListenerPartial,

    /// <summary>An interface of <c>Listen</c> is not there or has no address.</summary>
    InterfaceMissing,

    /// <summary>Binding an address of <c>Listen</c> needs a privilege.</summary>
    ListenerForbidden,

    /// <summary>A socket that systemd passed does not fit the bridge.</summary>
    ListenerUnsuitable,

    /// <summary>The UNIX socket cannot be made.</summary>
    SocketUnavailable,

    /// <summary>The daemon may not make the UNIX socket in its directory.</summary>
    SocketForbidden,

    /// <summary>The daemon is not a member of <c>SocketGroup</c>.</summary>
    SocketGroupForbidden,

    /// <summary>The directory of the UNIX socket is read-only for the daemon.</summary>
    SocketReadOnly,

    /// <summary>No other half answers behind the UNIX socket.</summary>
    JoinUnavailable,

    /// <summary>The daemon's user may not connect to the UNIX socket.</summary>
    JoinForbidden,

    /// <summary>What answers behind the UNIX socket is not an inner half of this user for this protocol.</summary>
    JoinRefused,

    /// <summary>The process, or the machine, may open no more files.</summary>
    OutOfDescriptors,

    /// <summary>The kernel has no memory for it.</summary>
    OutOfMemory,

    /// <summary>The user watches as many descriptors as fs.epoll.max_user_watches allows.</summary>
    OutOfWatches,
}

/// <summary>Why a bridge is in its state.</summary>
/// <param name="Code">For programs.</param>
/// <param name="Text">For people: what failed, on what, why, and the cure.</param>
internal sealed record StateReason(ReasonCode Code, string Text)
{
    public static readonly StateReason None = new(ReasonCode.None, "");

    public static StateReason Of(NamespaceState state) => new(
        state.Fault switch
        {
            NamespaceFault.None => ReasonCode.None,
            NamespaceFault.Unknown => ReasonCode.NamespaceUnknown,
            NamespaceFault.Missing => ReasonCode.NamespaceMissing,
            NamespaceFault.Forbidden => ReasonCode.NamespaceForbidden,
            NamespaceFault.LocatorUnavailable => ReasonCode.LocatorUnavailable,
            NamespaceFault.LocatorForbidden => ReasonCode.LocatorForbidden,
            _ => ReasonCode.NamespaceUnusable,
        },
        state.Reason);

    /// <summary>The code of a shortage; <paramref name="otherwise"/> for any other error.</summary>
    public static ReasonCode Shortage(Errno error, ReasonCode otherwise) => error switch
    {
        Errno.EMFILE or Errno.ENFILE => ReasonCode.OutOfDescriptors,
        Errno.ENOMEM or Errno.ENOBUFS => ReasonCode.OutOfMemory,
        _ => otherwise,
    };

    /// <summary>Several reasons as one, with the code of the first; null for none.</summary>
    public static StateReason? Together(IReadOnlyList<StateReason> reasons)
    {
        const int MostNamed = 3;
        if (reasons.Count <= 1)
            return reasons.SingleOrDefault();
        string named = string.Join("; ", reasons.Take(MostNamed).Select(reason => reason.Text));
        return new StateReason(reasons[0].Code, reasons.Count > MostNamed ? $"{named}; and {reasons.Count - MostNamed} more" : named);
    }

    /// <summary>No socket of a namespace could be made.</summary>
    public static StateReason Unreachable(NamespaceTracker place, EnterFailure failure)
    {
        if (place.Resolve(out NamespaceState absent) is not { } network)
            return Of(absent);
        ReasonCode code = failure switch
        {
            { LacksPrivilege: true } => ReasonCode.NamespaceForbidden,
            { IsAbsent: true } => ReasonCode.NamespaceMissing,
            _ => Shortage(failure.Error, ReasonCode.NamespaceUnusable),
        };
        return new StateReason(code, network.Explain(failure));
    }

    /// <summary>epoll does not watch a descriptor.</summary>
    public static StateReason Unwatched(string what, Errno error) => new(
        error == Errno.ENOSPC ? ReasonCode.OutOfWatches : Shortage(error, ReasonCode.ListenerUnavailable), ErrnoText.Watch(what, error));

    /// <summary>A connect to the UNIX socket failed.</summary>
    public static StateReason Unjoined(string socket, Errno error) => new(JoinCodeOf(error), ErrnoText.Connect(socket, error));

    /// <summary>The inner half closed a link.</summary>
    public static StateReason InnerHalfGone(string socket) => new(ReasonCode.JoinUnavailable, $"the inner half behind {socket} has gone");

    /// <summary>The code of a failed connect to the UNIX socket.</summary>
    public static ReasonCode JoinCodeOf(Errno error) =>
        error is Errno.EACCES or Errno.EPERM ? ReasonCode.JoinForbidden : Shortage(error, ReasonCode.JoinUnavailable);
}

/// <summary>A bridge cannot serve.</summary>
internal sealed class BridgeSetupException(StateReason reason) : Exception(reason.Text)
{
    public BridgeSetupException(ReasonCode code, string message) : this(new StateReason(code, message))
    {
    }

    public StateReason Reason => reason;

    /// <summary>Whether a missing privilege is the cause.</summary>
    public bool LacksPrivilege =>
        reason.Code is ReasonCode.ListenerForbidden or ReasonCode.SocketForbidden or ReasonCode.SocketGroupForbidden;
}

internal static class ReasonCodes
{
    private static readonly string[] s_words =
        [.. Enum.GetValues<ReasonCode>().Select(code => JsonNamingPolicy.KebabCaseLower.ConvertName(code.ToString()))];

    extension(ReasonCode code)
    {
        /// <summary>The code as JSON shows it: lower case, with hyphens.</summary>
        public string Word => s_words[(int)code];
    }
}
