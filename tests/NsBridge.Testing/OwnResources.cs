namespace NsBridge.Testing;

/// <summary>The kernel resources of this process at one moment, without those that the runtime keeps.</summary>
/// <param name="Descriptors">How many descriptors of each kind: <c>socket</c>, <c>pipe</c>, <c>anon_inode:[eventfd]</c>,
/// <c>net:[4026531840]</c>, …</param>
/// <param name="Threads">Threads by number and name.</param>
internal sealed record OwnResources(IReadOnlyDictionary<string, int> Descriptors, IReadOnlySet<string> Threads)
{
    // The runtime names its own threads so: the pool, its gate, the socket engine, the tiered compiler.
    private const string RuntimeThread = ".NET ";

    internal static OwnResources None { get; } = new(new Dictionary<string, int>(), new HashSet<string>());

    internal static OwnResources Now() => new(
        ProcessFacts.Descriptors(Environment.ProcessId).Select(Kind).OfType<string>().CountBy(kind => kind).ToDictionary(),
        ProcessFacts.ThreadNames(Environment.ProcessId).Where(thread => !thread.Value.StartsWith(RuntimeThread, StringComparison.Ordinal))
            .Select(thread => $"{thread.Key} {thread.Value}").ToHashSet());

    /// <summary>Resources of now that were not there at <paramref name="before"/>, and everything in a foreign network namespace.</summary>
    internal IReadOnlyList<string> Since(OwnResources before)
    {
        string home = ProcessFacts.HomeNamespace;
        return
        [
            .. Descriptors.Where(now => now.Value > before.Descriptors.GetValueOrDefault(now.Key) && now.Key != home)
                .Select(now => $"descriptors of {now.Key}: {before.Descriptors.GetValueOrDefault(now.Key)} before, {now.Value} now"),
            .. Descriptors.Keys.Where(kind => kind.StartsWith("net:", StringComparison.Ordinal) && kind != home)
            .Select(kind => $"a descriptor of the foreign {kind}"),
            .. Threads.Except(before.Threads).Select(thread => $"thread {thread}"),
            .. ProcessFacts.ThreadNamespaces(Environment.ProcessId).Where(space => space != home)
            .Select(space => $"a thread in the foreign {space}"),
        ];
    }

    /// <summary>Plain files come and go with the loading of assemblies and with logs: null.</summary>
    private static string? Kind(string target) => target switch
    {
        _ when target.StartsWith("socket:", StringComparison.Ordinal) => "socket",
        _ when target.StartsWith("pipe:", StringComparison.Ordinal) => "pipe",
        _ when target.StartsWith("/proc/", StringComparison.Ordinal) => target,
        ['/', ..] => null,
        _ => target,
    };
}
