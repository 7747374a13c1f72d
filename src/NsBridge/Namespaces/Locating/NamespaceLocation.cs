namespace NsBridge.Namespaces.Locating;

/// <summary>Why a namespace cannot be entered.</summary>
internal enum NamespaceFault
{
    None,

    /// <summary>It was not probed yet.</summary>
    Unknown,

    /// <summary>It does not exist, or the process, unit, container or machine that has it does not.</summary>
    Missing,

    /// <summary>This process lacks a privilege to enter it.</summary>
    Forbidden,

    /// <summary>The reference leads to something that is not a namespace of its own, or to more than one.</summary>
    Unusable,

    /// <summary>systemd, systemd-machined or the container engine does not answer.</summary>
    LocatorUnavailable,

    /// <summary>The container engine does not admit this user.</summary>
    LocatorForbidden,
}

/// <summary>Where a unit, container or machine has its network: at a file, with a process, or nowhere for now.</summary>
internal sealed record NamespaceLocation
{
    private NamespaceLocation()
    {
    }

    /// <summary>The namespace's file; null if a process leads to it.</summary>
    public string? Path { get; private init; }

    /// <summary>The process that is inside; 0 for none.</summary>
    public int Process { get; private init; }

    /// <summary>Identifies this run: the unit's invocation id, the container's id, the machine's unit.</summary>
    public string Run { get; private init; } = "";

    /// <summary>Why there is neither a file nor a process; null if there is one.</summary>
    public string? AbsentReason { get; private init; }

    /// <summary>The kind of <see cref="AbsentReason"/>.</summary>
    public NamespaceFault Fault { get; private init; }

    /// <summary>Whether waiting alone does not mend it.</summary>
    public bool IsFault => Fault == NamespaceFault.Unusable;

    public static NamespaceLocation AtPath(string path) => new() { Path = path };

    public static NamespaceLocation OfProcess(int process, string run) => new() { Process = process, Run = run };

    /// <summary>It does not exist (yet): a state to wait in.</summary>
    public static NamespaceLocation Waiting(string reason, NamespaceFault fault = NamespaceFault.Missing) =>
        new() { AbsentReason = reason, Fault = fault };

    /// <summary>Waiting alone does not mend it.</summary>
    public static NamespaceLocation Refused(string reason) => new() { AbsentReason = reason, Fault = NamespaceFault.Unusable };
}

/// <summary>Locates the network of a unit, container or machine by asking a service, which may take a while and fail.</summary>
internal interface INamespaceLocator
{
    /// <summary>The name of what is located, for messages: <c>unit vpn.service</c>.</summary>
    string Description { get; }

    /// <summary>How long an answer stays valid while the process it named lives.</summary>
    TimeSpan Freshness { get; }

    /// <exception cref="IOException">The service did not answer, or its answer is not understood; the message names the service and the
    /// reason.</exception>
    Task<NamespaceLocation> LocateAsync(CancellationToken cancel);

    /// <summary>Verifies that the process of <paramref name="location"/> still is the meant one. Called once its pidfd is
    /// open, which detects a number that was reused in between.</summary>
    /// <returns>Null if it is; otherwise an absent location with the reason.</returns>
    /// <exception cref="IOException">It could not be verified.</exception>
    Task<NamespaceLocation?> VerifyAsync(NamespaceLocation location, CancellationToken cancel);
}
