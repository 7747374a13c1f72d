using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Doctor;

/// <summary>The checks from a client to the service, in the order in which a connection passes. The first broken one decides.</summary>
internal static class Checks
{
    public const string Disabled = "enabled";

    private static readonly Func<InspectedBridge, CheckResult?>[] s_checks =
    [
        SocketCheck.ProbePlace,
        ListenerCheck.Probe,
        NamespaceCheck.Probe,
        LoopbackCheck.Probe,
        RouteCheck.Probe,
        TargetCheck.Probe,
        ReturnPathCheck.Probe,
        AnswerCheck.Probe,
        SocketCheck.Probe,
    ];

    /// <summary>Runs the checks up to the first broken one. They enter namespaces: the thread has to be the caller's own.</summary>
    public static List<CheckResult> Walk(InspectedBridge bridge)
    {
        var results = new List<CheckResult> { CheckResult.Ok("configuration", Describe(bridge)) };
        if (DaemonCheck.ProbeVersion(bridge) is { } differs)
        {
            results.Add(differs);
            return results;
        }
        if (!bridge.Settings.Enabled)
        {
            results.Add(CheckResult.Note(Disabled, "switched off by \"Enabled\": false; nothing else is checked"));
            return results;
        }
        foreach (Func<InspectedBridge, CheckResult?> check in s_checks)
        {
            if (check(bridge) is not { } result)
                continue;
            results.Add(result);
            if (result.State == CheckState.Broken)
                return results;
        }
        results.Add(DaemonCheck.Probe(bridge, isComplete: results.TrueForAll(result => result.State != CheckState.Unknown)));
        return results;
    }

    private static string Describe(InspectedBridge bridge)
    {
        BridgeSettings settings = bridge.Settings;
        string from = settings.Listen.Count > 0 ? Wording.List(settings.Listen.Select(entry => entry.Text)) : $"unix:{settings.Socket}";
        if (settings.ListenNamespace.Kind != NamespaceKind.Host)
            from += $" in {bridge.ListenPlace.Name}";
        return settings.Target is { } target ? $"{from} to {target} in {bridge.Place}" : $"{from} to unix:{settings.Socket}";
    }
}
