using NsBridge.Base;
using NsBridge.Linux;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Namespaces.Containers;

/// <summary>A container of Docker or Podman, by its first process.</summary>
internal sealed class ContainerLocator(string name, IReadOnlyList<IContainerEngine> engines) : INamespaceLocator
{
    /// <summary>The engine that reported the container last, and has not denied it since.</summary>
    private IContainerEngine? _owner;

    public string Description { get; } = $"container {name}";

    /// <summary>Each request wakes the engine, so it is not asked often while the process lives.</summary>
    public TimeSpan Freshness { get; } = TimeSpan.FromSeconds(5);

    /// <summary>A container of any engine of this machine that this user may ask.</summary>
    public static ContainerLocator OfMachine(string name)
    {
        var engines = new List<IContainerEngine>
        {
            new EngineApi("Docker", "/run/docker.sock"),
            new PodmanEngine("/run/podman/podman.sock", "/var/lib/containers/storage", "/run/containers/storage"),
        };
        // Both are set in a user's session, whose containers these are; a service of the machine has no XDG_RUNTIME_DIR.
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime
            && Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home)
        {
            engines.Add(new EngineApi("rootless Docker", Path.Combine(runtime, "docker.sock")));
            string storage = Path.Combine(home, ".local/share/containers/storage");
            engines.Add(new PodmanEngine(Path.Combine(runtime, "podman/podman.sock"), storage, Path.Combine(runtime, "containers")));
        }
        return new ContainerLocator(name, engines);
    }

    public async Task<NamespaceLocation> LocateAsync(CancellationToken cancel)
    {
        var found = new List<(IContainerEngine Engine, ContainerFacts Facts)>();
        var without = new List<IContainerEngine>();
        var troubles = new List<string>();
        UnauthorizedAccessException? refusal = null;
        bool isForbidden = true;
        IContainerEngine[] there = [.. engines.Where(engine => engine.IsThere)];
        foreach (IContainerEngine engine in there)
        {
            try
            {
                if (await engine.InspectAsync(name, cancel) is { } facts)
                    found.Add((engine, facts));
                else
                    without.Add(engine);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                troubles.Add($"{engine.Description}: {ErrorText.Of(fault)}");
                refusal ??= fault as UnauthorizedAccessException;
                isForbidden &= fault is UnauthorizedAccessException;
            }
        }
        if (found.Count > 1)
        {
            string both = string.Join(" and ", found.Select(one => one.Engine.Description));
            return NamespaceLocation.Refused($"{both} both have a container {name}; write its id instead of its name");
        }
        if (found is [var (owner, only)])
        {
            // The id proves later that a process is the container's.
            if (only.Id.Length == 0)
                throw new IOException($"{owner.Description} answers without an id");
            _owner = owner;
            return LocationOf(only);
        }
        // A container outlives an engine that is stopped or removed.
        if (_owner is { IsThere: false } gone)
            throw new IOException($"{gone.Description} is not there any more");
        if (troubles.Count > 0)
        {
            string why = string.Join("; ", [.. troubles, .. without.Select(engine => $"{engine.Description} has none")]);
            // An engine that is restarting may still have the container. One that never lets this user ask does not count if another engine
            // answered.
            if (!isForbidden || without.Count == 0)
                throw new IOException(why, refusal);
            return NamespaceLocation.Waiting($"cannot find {Description}: {why}", NamespaceFault.LocatorForbidden);
        }
        _owner = null;
        return NamespaceLocation.Waiting(there.Length == 0
            ? $"cannot find {Description}: there is no container engine (Docker, Podman) that this user may ask"
            : $"there is no {Description} ({string.Join(", ", there.Select(engine => engine.Description))})");
    }

    private NamespaceLocation LocationOf(ContainerFacts facts)
    {
        if (facts.IsHostNetwork)
        {
            return NamespaceLocation.Refused(
                $"{Description} has no network of its own but uses the host's; write \"host\" if that is meant");
        }
        return facts.Process == 0
            ? NamespaceLocation.Waiting($"{Description} is not running ({facts.Status})")
            : NamespaceLocation.OfProcess(facts.Process, facts.Id);
    }

    public Task<NamespaceLocation?> VerifyAsync(NamespaceLocation location, CancellationToken cancel)
    {
        // The engine learns late that a process ended, and its number may be reused by then. Only the container's own process is in a
        // control group
        // with the container's id, or is a child of that container's monitor (conmon, containerd-shim).
        bool isMeant = ProcessFiles.ControlGroups(location.Process) is not { } groups
            || groups.Any(group => group.Contains(location.Run, StringComparison.Ordinal))
            || ProcessFiles.Parent(location.Process) is not { } parent
            || ProcessFiles.CommandLine(parent)?.Contains(location.Run, StringComparison.Ordinal) != false;
        // What is hidden from this user cannot be entered by it either: entering fails later, with the missing privilege as the reason.
        return Task.FromResult(isMeant
            ? null
            : NamespaceLocation.Waiting(
                $"process {location.Process} is not {Description}'s: it is just being restarted, "
                    + "or its engine counts processes in another pid namespace"));
    }
}
