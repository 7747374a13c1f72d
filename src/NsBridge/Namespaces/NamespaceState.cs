namespace NsBridge.Namespaces;

/// <summary>What is known of a namespace at one moment.</summary>
/// <param name="Cookie">SO_NETNS_COOKIE of the one that can be entered now; 0 where none can.</param>
/// <param name="Reason">Why none can, in words; empty where one can.</param>
/// <param name="IsFault">Whether waiting alone will not mend it: a missing privilege, or a reference that leads to the host.</param>
internal sealed record NamespaceState(ulong Cookie, string Reason, bool IsFault)
{
    public static readonly NamespaceState Unknown = new(0, "not looked at yet", false) { IsUnknown = true };

    /// <summary>Whether nobody who knows has answered yet: it may be there all the same.</summary>
    public bool IsUnknown { get; init; }

    public bool CanEnter => Cookie != 0;
}
