namespace NsBridge.Namespaces.Containers;

/// <summary>Whoever runs containers.</summary>
internal interface IContainerEngine
{
    /// <summary>Its name and where it is asked, for messages.</summary>
    string Description { get; }

    /// <summary>Whether it is on this machine at all, or may be, hidden from this user.</summary>
    bool IsThere { get; }

    /// <summary>What it knows of a container.</summary>
    /// <param name="name">A name, an id, or the beginning of an id.</param>
    /// <param name="cancel">Ends the question.</param>
    /// <returns>Null where it has none of that name.</returns>
    /// <exception cref="IOException">It does not answer, or not in a way that is understood; says why.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not ask it; says so.</exception>
    Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel);
}
