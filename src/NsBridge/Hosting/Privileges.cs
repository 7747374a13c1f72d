using NsBridge.Base;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Hosting;

/// <summary>What this process may do, and what the configuration asks of it.</summary>
internal static class Privileges
{
    private const string Cure = "run nsbridge as root or by its systemd service";

    /// <summary>What is missing where nothing may be entered. In a user namespace (<c>unshare -Ur</c>) a process may have it, and yet none over its own network.</summary>
    private static string Missing =>
        OwnCapabilities.MayAdminister ? "CAP_SYS_ADMIN in the user namespace that owns this process's network is missing" : "CAP_SYS_ADMIN is missing";

    /// <summary>Stops a start that cannot lead to anything: every bridge needs a privilege that is missing.</summary>
    /// <exception cref="UserErrorException">Says which privilege, for what, and the cure.</exception>
    public static void Require(DaemonSettings settings)
    {
        if (NetworkNamespace.MayReturn || !settings.Bridges.Any(bridge => bridge.Enabled) || NotEntering(settings).Length > 0)
            return;
        BridgeSettings first = settings.Bridges.First(bridge => bridge.Enabled);
        throw new UserErrorException(
            $"nsbridge: {Missing}, and every bridge here needs it: '{first.Name}' to enter network namespace '{Entered(first)}'.\n" +
            $"For that {Cure}.\n" +
            "Without root there is the road of two daemons: one inside a namespace of your own (unshare -Urn) with the inner half, where that is \"host\",\n" +
            "and one outside with the outer half (Listen and Socket). 'nsbridge demo' shows it.",
            ExitCode.Privilege);
    }

    /// <summary>What ends a start where every bridge was refused its listeners.</summary>
    /// <param name="first">One of them.</param>
    public static UserErrorException MissingToListen(BridgeSettings first) => new(
        $"nsbridge: CAP_NET_BIND_SERVICE is missing, and every bridge here needs it: '{first.Name}' to listen on {first.Listen}.\n" +
        $"For that {Cure}. Without it, ports from net.ipv4.ip_unprivileged_port_start on (1024 unless changed) are for everybody.",
        ExitCode.Privilege);

    /// <summary>Where some bridges can work and others not: one line that says which, why, and the cure; null where nothing is missing.</summary>
    public static string? Lacking(DaemonSettings settings)
    {
        if (NetworkNamespace.MayReturn)
            return null;
        string[] cannot = [.. settings.Bridges.Where(bridge => bridge.Enabled && Entered(bridge) is not null).Select(bridge => bridge.Name)];
        string[] can = NotEntering(settings);
        return cannot.Length == 0
            ? null
            : $"{Missing}: {string.Join(", ", cannot)} cannot enter {(cannot.Length == 1 ? "its network namespace" : "their network namespaces")}; " +
                $"for that {Cure}.{(can.Length == 0 ? "" : $" Working without it: {string.Join(", ", can)}")}";
    }

    /// <summary>Whether a privilege is missing that no bridge here needs.</summary>
    public static bool IsSpared(DaemonSettings settings) => !NetworkNamespace.MayReturn && NotEntering(settings).Length > 0 && Lacking(settings) is null;

    private static string[] NotEntering(DaemonSettings settings) =>
        [.. settings.Bridges.Where(bridge => bridge.Enabled && Entered(bridge) is null).Select(bridge => bridge.Name)];

    /// <summary>The namespace that the bridge has to enter; null where it enters none.</summary>
    private static NamespaceReference? Entered(BridgeSettings bridge) =>
        bridge.Namespace is { Kind: not NamespaceKind.Host } place ? place
        : bridge.Listen.Count > 0 && bridge.ListenNamespace.Kind != NamespaceKind.Host ? bridge.ListenNamespace : null;
}
