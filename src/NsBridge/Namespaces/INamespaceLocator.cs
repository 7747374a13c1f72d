namespace NsBridge.Namespaces;

/// <summary>Who knows where a unit or a container is now: a service of the machine that is asked. Asking may take a while and fail.</summary>
internal interface INamespaceLocator
{
    /// <summary>What is asked for, for messages: <c>unit vpn.service</c>.</summary>
    string Description { get; }

    /// <summary>How long an answer is believed while the process it named lives.</summary>
    TimeSpan Freshness { get; }

    /// <summary>Where it is.</summary>
    /// <exception cref="IOException">The one who knows did not answer, or not in a way that is understood; says who and why.</exception>
    Task<NamespaceLocation> LocateAsync(CancellationToken cancel);

    /// <summary>
    /// Whether the process of <paramref name="lead"/> is the one that was meant. Called once its pidfd is held, so that a process that got the same number
    /// in between is found out.
    /// </summary>
    /// <returns>Why not; null where it is.</returns>
    /// <exception cref="IOException">It could not be told.</exception>
    Task<NamespaceState?> VerifyAsync(NamespaceLocation lead, CancellationToken cancel);
}
