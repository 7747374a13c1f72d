using NsBridge.Linux;

namespace NsBridge.Namespaces.Containers;

/// <summary>A container of Docker or Podman, by its first process.</summary>
internal sealed class ContainerLocator(string name, IReadOnlyList<IContainerEngine> engines) : INamespaceLocator
{
    /// <summary>Who told of the container, and has not said since that there is none.</summary>
    private IContainerEngine? _teller;

    public string Description { get; } = $"container {name}";

    /// <summary>The engine wakes for each question, so it is not asked often while the process lives.</summary>
    public TimeSpan Freshness { get; } = TimeSpan.FromSeconds(5);

    /// <summary>A container of any engine on this machine that this user may ask.</summary>
    public static ContainerLocator OfMachine(string name)
    {
        var engines = new List<IContainerEngine>
        {
            new EngineApi("Docker", "/run/docker.sock"),
            new PodmanEngine("/run/podman/podman.sock", "/var/lib/containers/storage", "/run/containers/storage"),
        };
        // Set for a user's own programs, and so for his own containers; a service of the machine has none.
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home)
        {
            engines.Add(new EngineApi("rootless Docker", Path.Combine(runtime, "docker.sock")));
            engines.Add(new PodmanEngine(Path.Combine(runtime, "podman/podman.sock"), Path.Combine(home, ".local/share/containers/storage"), Path.Combine(runtime, "containers")));
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
                troubles.Add($"{engine.Description}: {fault.Message}");
                refusal ??= fault as UnauthorizedAccessException;
                isForbidden &= fault is UnauthorizedAccessException;
            }
        }
        if (found.Count > 1)
        {
            // Whichever were taken, it could be the wrong one.
            return NamespaceLocation.Refused(
                $"{string.Join(" and ", found.Select(one => one.Engine.Description))} both have a container {name}; write its id instead of its name");
        }
        if (found is [var (teller, only)])
        {
            _teller = teller;
            return Follow(only);
        }
        // Engines are stopped and removed, and what they started runs on.
        if (_teller is { IsThere: false } gone)
            throw new IOException($"{gone.Description} is not there any more");
        if (troubles.Count > 0)
        {
            string why = string.Join("; ", [.. troubles, .. without.Select(engine => $"{engine.Description} has none")]);
            // An engine that is just restarting may still have it. One that lets this user never ask is no reason to believe so, where another one has answered.
            if (!isForbidden || without.Count == 0)
                throw new IOException(why, refusal);
            return NamespaceLocation.Waiting($"cannot find {Description}: {why}", NamespaceFault.LocatorForbidden);
        }
        _teller = null;
        return NamespaceLocation.Waiting(there.Length == 0
            ? $"cannot find {Description}: there is no container engine (Docker, Podman) that this user may ask"
            : $"there is no {Description} ({string.Join(", ", there.Select(engine => engine.Description))})");
    }

    private NamespaceLocation Follow(ContainerFacts facts)
    {
        if (facts.IsHostNetwork)
            return NamespaceLocation.Refused($"{Description} has no network of its own but uses the host's; write \"host\" if that is meant");
        return facts.Process == 0
            ? NamespaceLocation.Waiting($"{Description} is not running ({facts.Status})")
            : NamespaceLocation.OfProcess(facts.Process, facts.Id);
    }

    public Task<NamespaceState?> VerifyAsync(NamespaceLocation lead, CancellationToken cancel)
    {
        // The engine hears of a process's end late, and its number may be another's by then. Only the container's own is in a control group that
        // bears its id, or was started by what watches over that one container (conmon, containerd-shim).
        bool isMeant = ProcessFiles.ControlGroups(lead.Process) is not { } groups
            || groups.Any(group => group.Contains(lead.Run, StringComparison.Ordinal))
            || ProcessFiles.Parent(lead.Process) is not { } parent
            || ProcessFiles.CommandLine(parent)?.Contains(lead.Run, StringComparison.Ordinal) != false;
        // What is hidden from this user it may not enter either: that fails later, with the missing privilege for a reason.
        return Task.FromResult(isMeant
            ? null
            : new NamespaceState(0, $"process {lead.Process} is not {Description}'s: it is just being restarted, or its engine counts processes in another pid namespace", false));
    }
}
