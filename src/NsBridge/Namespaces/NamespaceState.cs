namespace NsBridge.Namespaces;

/// <summary>Why a namespace cannot be entered.</summary>
internal enum NamespaceFault
{
    None,

    /// <summary>No look has ended yet.</summary>
    Unknown,

    /// <summary>It, or the process, unit or container that has it, is not there.</summary>
    Missing,

    /// <summary>This process lacks a privilege to enter it.</summary>
    Forbidden,

    /// <summary>The reference leads to something that is not a namespace of its own, or to more than one.</summary>
    Unusable,

    /// <summary>systemd or the container engine gives no answer.</summary>
    LocatorUnavailable,

    /// <summary>The container engine does not admit this user.</summary>
    LocatorForbidden,
}

/// <summary>What is known of a namespace at one moment.</summary>
/// <param name="Cookie">SO_NETNS_COOKIE of the one that can be entered now; 0 where none can.</param>
/// <param name="Reason">Why none can, in words; empty where one can.</param>
/// <param name="IsFault">Whether waiting alone will not mend it: a missing privilege, or a reference that leads to the host.</param>
internal sealed record NamespaceState(ulong Cookie, string Reason, bool IsFault)
{
    public static readonly NamespaceState Unknown = new(0, "not looked at yet", false) { IsUnknown = true, Fault = NamespaceFault.Unknown };

    /// <summary>Whether nobody who knows has answered yet: it may be there all the same.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>The kind of <see cref="Reason"/>.</summary>
    public NamespaceFault Fault { get; init; } = Cookie != 0 ? NamespaceFault.None : IsFault ? NamespaceFault.Unusable : NamespaceFault.Missing;

    public bool CanEnter => Cookie != 0;
}
