using System.Text.Json;
using System.Text.Json.Serialization;
using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Systemd;

namespace NsBridge.Commands.Discover;

/// <summary>The options of <c>nsbridge discover</c>; without a namespace all are searched.</summary>
internal sealed record DiscoverOptions(string? Namespace, bool Json, string? ConfigFile);

/// <summary>What <c>discover --json</c> prints; nsbridge(8) documents it.</summary>
internal sealed record DiscoverDocument(IReadOnlyList<DiscoveredEntry> Services, IReadOnlyList<string> Notes);

/// <summary>A service in <see cref="DiscoverDocument"/>, with the bridge that leads to it or else an entry for one.</summary>
internal sealed record DiscoveredEntry(
    string Namespace, string Protocol, string Target, RunningProcess? Process, string? Bridge, JsonElement? Entry);

[JsonSerializable(typeof(DiscoverDocument))]
internal sealed partial class DiscoverJson : JsonSerializerContext
{
    public static string Of(DiscoverDocument document) =>
        JsonSerializer.Serialize(document, new DiscoverJson(ReadableJson.Options()).DiscoverDocument);
}

/// <summary><c>nsbridge discover</c>: what listens inside namespaces, as bridge entries.</summary>
internal static class DiscoverCommand
{
    public static async Task<int> RunAsync(DiscoverOptions options, CancellationToken stop)
    {
        ConfigurationOutcome outcome = ConfigurationLoader.ForProcess(options.ConfigFile).Load().Trusted();
        FoundNamespace? named = options.Namespace is { } text ? await FindNamedAsync(text, stop) : null;
        Findings found = await OwnThread.RunAsync(() => Search(named)).WaitAsync(stop);
        var maker = new DraftMaker(outcome.Settings?.Bridges ?? [], found.Host);
        var services = found.Services.Select(service => (Service: service, Bridge: maker.BridgeTo(service))).ToList();
        var drafts = services.Where(pair => pair.Bridge is null).ToDictionary(pair => pair.Service, pair => maker.Draft(pair.Service));
        string[] notes = [.. found.Faults.Concat(found.Notes).Select(PlainText.Line)];
        if (options.Json)
        {
            var entries = services.Select(pair => Entry(pair.Service, pair.Bridge, drafts.GetValueOrDefault(pair.Service))).ToList();
            await Console.Out.WriteLineAsync(DiscoverJson.Of(new DiscoverDocument(entries, notes)));
        }
        else
        {
            foreach (string note in notes)
                await Console.Error.WriteLineAsync(note);
            foreach ((FoundService service, string? bridge) in services.Where(pair => pair.Bridge is not null))
                await Console.Error.WriteLineAsync($"{service}: bridged already by {bridge}");
            string where = options.Namespace is { } one ? $"network namespace {one}" : "any network namespace but the host's";
            if (drafts.Count > 0)
                await Console.Out.WriteLineAsync(DraftText.Of([.. drafts.Values]));
            else if (services.Count == 0 && found.Faults.Count == 0 && !found.IsForbidden)
                await Console.Error.WriteLineAsync($"nothing listens in {where}");
        }
        // What was found is of use. What was named and cannot be searched is a failure; nothing to find is not.
        return drafts.Count == 0 && found.IsForbidden ? ExitCode.Privilege
            : drafts.Count == 0 && found.Faults.Count > 0 ? ExitCode.Failed
            : ExitCode.Success;
    }

    private static DiscoveredEntry Entry(FoundService service, string? bridge, BridgeDraft? draft) => new(
        service.Namespace,
        service.Protocol == BridgeProtocol.Udp ? "udp" : "tcp",
        service.Target,
        service.Process,
        bridge,
        draft is null ? null : JsonDocument.Parse(draft.ToJson()).RootElement);

    private static Findings Search(FoundNamespace? only)
    {
        var snapshot = new SocketSnapshot();
        var faults = new List<string>();
        var services = new List<FoundService>();
        bool isForbidden = false;
        NamespaceSearch? search = only is null ? NamespaceSearch.All() : null;
        foreach (FoundNamespace place in search?.Found ?? [only!])
        {
            NamespaceSockets sockets = snapshot.In(place.Network);
            if (sockets.Fault is { } fault)
                faults.Add($"{place.Reference}: {fault}");
            isForbidden |= sockets.IsForbidden;
            services.AddRange(FoundService.In(place.Reference, sockets, snapshot));
        }
        isForbidden |= search is { IsHindered: true } && services.Count == 0;
        return new Findings(services, snapshot.In(NetworkNamespace.Own).All, faults, search?.Notes ?? [], isForbidden);
    }

    private static async Task<FoundNamespace> FindNamedAsync(string text, CancellationToken stop)
    {
        if (!NamespaceReference.TryParse(text, out NamespaceReference? reference, out string? fault))
            throw new UserErrorException($"NAMESPACE \"{text}\": {fault}", ExitCode.Usage);
        if (reference.Kind == NamespaceKind.Host)
            throw new UserErrorException("the host's own network namespace needs no bridge into it", ExitCode.Failed);
        ResolvedNamespace place = await ResolvedNamespace.FindAsync(reference, SystemBus.IsInSession, stop);
        if (place.Network is { } network)
            return new FoundNamespace(text, network);

        // systemd or the engine does not know it, or gives no answer: a process may still lead to it.
        var search = NamespaceSearch.All();
        string unseen = $"no process of {text} is seen in a network namespace of its own";
        string[] faults = [place.Fault, unseen, .. search.IsHindered ? search.Notes : []];
        return search.Found.FirstOrDefault(found => found.Reference == text)
            ?? throw new UserErrorException(string.Join('\n', faults), search.IsHindered ? ExitCode.Privilege : ExitCode.Failed);
    }

    /// <summary>The services of the namespaces, the sockets of the host, and what could not be searched or was left out.</summary>
    private sealed record Findings(
        List<FoundService> Services, IReadOnlyList<BoundSocket> Host, List<string> Faults, IReadOnlyList<string> Notes, bool IsForbidden);
}
