using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Discover;

/// <summary><c>nsbridge discover</c>: what awaits clients inside namespaces, as bridge entries.</summary>
internal static class DiscoverCommand
{
    public static async Task<int> RunAsync(DiscoverOptions options, CancellationToken stop)
    {
        ConfigurationOutcome outcome = ConfigurationLoader.ForProcess(options.ConfigFile).Load();
        ValueList<BridgeSettings> configured = outcome.Settings?.Bridges ?? [];
        NamespaceFound? named = options.Namespace is { } text ? await NamedAsync(text, stop) : null;
        (List<ServiceFound>? services, IReadOnlyList<BoundSocket>? host, List<string>? faults, IReadOnlyList<string>? notes, bool isForbidden) = await OwnThread.RunAsync(() => Look(named));
        foreach (string? fault in faults.Concat(notes))
            await Console.Error.WriteLineAsync(fault);

        var maker = new DraftMaker(configured, host);
        var drafts = new List<BridgeDraft>();
        foreach (ServiceFound? service in services)
        {
            if (maker.BridgeTo(service) is { } bridge)
                await Console.Error.WriteLineAsync($"{service}: bridged already by {bridge}");
            else
                drafts.Add(maker.Draft(service));
        }

        stop.ThrowIfCancellationRequested();
        if (drafts.Count == 0)
        {
            if (services.Count == 0 && faults.Count == 0 && !isForbidden)
                await Console.Error.WriteLineAsync($"nothing listens in {(options.Namespace is { } one ? $"network namespace {one}" : "any network namespace but the host's")}");
            // What was asked for by name and cannot be looked into is a failure; nothing to find is not.
            return isForbidden ? ExitCode.Privilege : faults.Count > 0 ? ExitCode.Failed : ExitCode.Success;
        }

        await Console.Out.WriteLineAsync(DraftText.Of(drafts));
        return ExitCode.Success;
    }

    private static (List<ServiceFound> Services, IReadOnlyList<BoundSocket> Host, List<string> Faults, IReadOnlyList<string> Notes, bool IsForbidden) Look(NamespaceFound? only)
    {
        var faults = new List<string>();
        var services = new List<ServiceFound>();
        bool isForbidden = false;
        NamespaceSearch? search = only is null ? NamespaceSearch.All() : null;
        foreach (NamespaceFound place in search?.Found ?? [only!])
        {
            var sockets = NamespaceSockets.Look(place.Network);
            if (sockets.Fault is { } fault)
                faults.Add($"{place.Reference}: {fault}");
            isForbidden |= sockets.IsForbidden;
            services.AddRange(ServiceFound.In(place.Reference, sockets.Sockets));
        }

        // What was found is of use, whatever else there may be.
        isForbidden |= search is { IsHindered: true } && services.Count == 0;
        return (services, NamespaceSockets.Look(NetworkNamespace.Own).Sockets, faults, search?.Notes ?? [], isForbidden);
    }

    private static async Task<NamespaceFound> NamedAsync(string text, CancellationToken stop)
    {
        if (!NamespaceReference.TryParse(text, out NamespaceReference? reference, out string? fault))
            throw new UserErrorException($"NAMESPACE \"{text}\": {fault}", ExitCode.Usage);
        if (reference.Kind == NamespaceKind.Host)
            throw new UserErrorException("the host's own network namespace needs no bridge into it", ExitCode.Failed);
        ResolvedNamespace place = await ResolvedNamespace.FindAsync(reference, stop);
        if (place.Network is { } network)
            return new NamespaceFound(text, network);

        // Whom the daemon would ask does not know it, or cannot be asked; a process may still tell.
        var search = NamespaceSearch.All();
        return search.Found.FirstOrDefault(found => found.Reference == text)
            ?? throw new UserErrorException(
                string.Join('\n', [place.Fault, $"no process of {text} is seen in a network namespace of its own", .. search.IsHindered ? search.Notes : []]),
                search.IsHindered ? ExitCode.Privilege : ExitCode.Failed);
    }
}
