using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Doctor;

/// <summary>The links from a client to the service, in the order a connection meets them. The first broken one decides.</summary>
internal static class Checks
{
    private static readonly Func<InspectedBridge, CheckResult?>[] s_checks =
    [
        SocketCheck.LookAtPlace,
        ListenerCheck.Look,
        NamespaceCheck.Look,
        LoopbackCheck.Look,
        RouteCheck.Look,
        TargetCheck.Look,
        AnswerCheck.Look,
        SocketCheck.Look,
        DaemonCheck.Look,
    ];

    /// <summary>Looks at each link up to the first broken one. On a thread of the caller's own: it enters namespaces.</summary>
    public static List<CheckResult> Walk(InspectedBridge patient)
    {
        var links = new List<CheckResult> { CheckResult.Ok("configuration", Describe(patient)) };
        if (VersionCheck.Look(patient) is { } differs)
        {
            links.Add(differs);
            return links;
        }

        if (!patient.Bridge.Enabled)
        {
            links.Add(CheckResult.Note("enabled", "switched off by \"Enabled\": false; nothing else is looked at"));
            return links;
        }

        foreach (Func<InspectedBridge, CheckResult?> check in s_checks)
        {
            if (check(patient) is not { } link)
                continue;
            links.Add(link);
            if (link.State == CheckState.Broken)
                break;
        }

        return links;
    }

    private static string Describe(InspectedBridge patient)
    {
        BridgeSettings bridge = patient.Bridge;
        string from = bridge.Listen.Count > 0 ? string.Join(", ", bridge.Listen) : $"unix:{bridge.Socket}";
        if (bridge.ListenNamespace.Kind != NamespaceKind.Host)
            from += $" in {patient.Door.Name}";
        return bridge.Target is { } target ? $"{from} to {target} in {patient.Place}" : $"{from} to unix:{bridge.Socket}";
    }
}
