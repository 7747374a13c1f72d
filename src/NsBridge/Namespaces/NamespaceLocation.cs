namespace NsBridge.Namespaces;

/// <summary>Where a unit or a container has its network: at a file, with a process, or nowhere for now.</summary>
internal sealed record NamespaceLocation
{
    private NamespaceLocation()
    {
    }

    /// <summary>The namespace's file; null where a process leads to it.</summary>
    public string? Path { get; private init; }

    /// <summary>The process that is inside; 0 for none.</summary>
    public int Process { get; private init; }

    /// <summary>What tells this run of the unit or container from the one before, in the words of whoever was asked.</summary>
    public string Run { get; private init; } = "";

    /// <summary>Why there is neither.</summary>
    public NamespaceState? Absent { get; private init; }

    public static NamespaceLocation AtPath(string path) => new() { Path = path };

    public static NamespaceLocation OfProcess(int process, string run) => new() { Process = process, Run = run };

    /// <summary>It is not there (yet): a state to wait in.</summary>
    public static NamespaceLocation Waiting(string reason, NamespaceFault fault = NamespaceFault.Missing) =>
        new() { Absent = new NamespaceState(0, reason, false) { Fault = fault } };

    /// <summary>Waiting alone will not mend it.</summary>
    public static NamespaceLocation Refused(string reason) => new() { Absent = new NamespaceState(0, reason, true) };
}
