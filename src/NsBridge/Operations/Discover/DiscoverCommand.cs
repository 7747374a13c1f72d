using NsBridge.CommandLine;
using NsBridge.Configuration;
using NsBridge.Linux;
using NsBridge.Operations.Looking;

namespace NsBridge.Operations.Discover;

/// <summary><c>nsbridge discover</c>: what awaits clients inside namespaces, as bridge entries; <c>--write</c> adds them to the configuration.</summary>
internal static class DiscoverCommand
{
    public static async Task<int> RunAsync(DiscoverOptions options, CancellationToken stop)
    {
        var loader = ConfigurationLoader.ForProcess(options.ConfigFile);
        var outcome = loader.Load();
        if (options.Write && File.Exists(loader.File))
            _ = outcome.SettingsOrFault();
        var configured = outcome.Settings?.Bridges ?? [];
        var (services, host, faults, isForbidden) = await OwnThread.RunAsync(() => Look(options.Namespace));
        foreach (var fault in faults)
            await Console.Error.WriteLineAsync(fault);

        var maker = new DraftMaker(configured, host);
        var drafts = new List<BridgeDraft>();
        foreach (var service in services)
        {
            if (maker.BridgeTo(service) is { } bridge)
                await Console.Error.WriteLineAsync($"{service}: bridged already by {bridge}");
            else
                drafts.Add(maker.Draft(service));
        }

        stop.ThrowIfCancellationRequested();
        if (drafts.Count == 0)
        {
            if (services.Count == 0 && faults.Count == 0)
                await Console.Error.WriteLineAsync($"nothing listens in {(options.Namespace is { } one ? $"network namespace {one}" : "any network namespace but the host's")}");
            // What was asked for by name and cannot be looked into is a failure; nothing to find is not.
            return isForbidden ? ExitCode.Privilege : faults.Count > 0 ? ExitCode.Failed : ExitCode.Well;
        }

        await Console.Out.WriteLineAsync(DraftText.Of(drafts));
        if (options.Write)
        {
            var backup = ConfigurationEdit.AddBridges(loader.File, drafts);
            var count = drafts.Count == 1 ? "1 bridge" : $"{drafts.Count} bridges";
            await Console.Error.WriteLineAsync(
                $"added {count} to {loader.File}{(backup is null ? "" : $"; the file as it was is {backup}")}; a running daemon takes them up by itself");
        }

        return ExitCode.Well;
    }

    private static (List<ServiceFound> Services, IReadOnlyList<BoundSocket> Host, List<string> Faults, bool IsForbidden) Look(string? only)
    {
        var faults = new List<string>();
        var services = new List<ServiceFound>();
        var isForbidden = false;
        foreach (var place in only is null ? NamespaceSearch.All() : [Named(only)])
        {
            var sockets = NamespaceSockets.Look(place.Network);
            if (sockets.Fault is { } fault)
                faults.Add($"{place.Reference}: {fault}");
            isForbidden |= sockets.IsForbidden;
            services.AddRange(ServiceFound.In(place.Reference, sockets.Sockets));
        }

        return (services, NamespaceSockets.Look(NetworkNamespace.Own).Sockets, faults, isForbidden);
    }

    private static NamespaceFound Named(string text)
    {
        if (!NamespaceReference.TryParse(text, out var reference, out var fault))
            throw new UserFault($"NAMESPACE \"{text}\": {fault}", ExitCode.Usage);
        if (reference.FilePath is { } path)
            return new NamespaceFound(text, NetworkNamespace.AtPath(path));
        return NamespaceSearch.All().Find(found => found.Reference == text)
            ?? throw new UserFault(
                reference.Kind == NamespaceKind.Host
                    ? "the host's own network namespace needs no bridge into it"
                    : $"no process of {text} is in a network namespace of its own", ExitCode.Failed);
    }
}
