using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Hosting;

/// <summary>Compares the capabilities of this process with what the configuration needs.</summary>
internal static partial class Privileges
{
    private const string Cure = "run nsbridge as root or by its systemd service";

    /// <summary>In a user namespace (<c>unshare -Ur</c>) a process may have the capability, and yet none over its own network.</summary>
    private static string Missing => OwnCapabilities.MayAdminister
        ? "CAP_SYS_ADMIN in the user namespace that owns this process's network is missing" : "CAP_SYS_ADMIN is missing";

    /// <summary>Ends a start that can achieve nothing: every bridge needs a missing privilege.</summary>
    /// <exception cref="UserErrorException">Names the privilege, its use, and the cure.</exception>
    public static void Require(DaemonSettings settings)
    {
        if (NetworkNamespace.MayReturn || !settings.Bridges.Any(bridge => bridge.Enabled) || NotEntering(settings).Length > 0)
            return;
        BridgeSettings first = settings.Bridges.First(bridge => bridge.Enabled);
        throw new UserErrorException(
            $"nsbridge: {Missing}, and every bridge here needs it: '{first.Name}' to enter network namespace '{Entered(first)}'.\n" +
            $"For that {Cure}.\n" +
            "Without root, 'nsbridge expose pid:N PORT' reaches a process in a user namespace of yours (unshare -Urn, bubblewrap, Podman).",
            ExitCode.Privilege);
    }

    /// <summary>The fault of a start in which every bridge was refused its listeners.</summary>
    /// <param name="first">One of them.</param>
    public static UserErrorException MissingToListen(BridgeSettings first) => new(
        $"nsbridge: CAP_NET_BIND_SERVICE is missing, and every bridge here needs it: '{first.Name}' to listen on {first.Listen}.\n" +
        $"For that {Cure}. Without it, ports from net.ipv4.ip_unprivileged_port_start on (1024 unless changed) are for everybody.",
        ExitCode.Privilege);

    /// <summary>Logs a missing privilege: which bridges it stops and the cure, or that no bridge here needs it.</summary>
    public static void Log(ILogger log, DaemonSettings settings)
    {
        if (NetworkNamespace.MayReturn)
            return;
        string[] cannot =
            [.. settings.Bridges.Where(bridge => bridge.Enabled && Entered(bridge) is not null).Select(bridge => bridge.Name)];
        string[] can = NotEntering(settings);
        if (cannot.Length > 0)
        {
            string what = cannot.Length == 1 ? "its network namespace" : "their network namespaces";
            string works = can.Length == 0 ? "" : $" Working without it: {string.Join(", ", can)}";
            LogMissing(log, $"{Missing}: {string.Join(", ", cannot)} cannot enter {what}; for that {Cure}.{works}");
        }
        else if (can.Length > 0)
        {
            LogUnneeded(log);
        }
    }

    private static string[] NotEntering(DaemonSettings settings) =>
        [.. settings.Bridges.Where(bridge => bridge.Enabled && Entered(bridge) is null).Select(bridge => bridge.Name)];

    /// <summary>The namespace that the bridge has to enter; null when it enters none.</summary>
    private static NamespaceReference? Entered(BridgeSettings bridge) =>
        bridge.Namespace is { Kind: not NamespaceKind.Host } place ? place
        : bridge.Listen.Count > 0 && bridge.ListenNamespace.Kind != NamespaceKind.Host ? bridge.ListenNamespace : null;

    [LoggerMessage(EventId = 1107, Level = LogLevel.Warning, Message = "{Missing}")]
    private static partial void LogMissing(ILogger log, string missing);

    [LoggerMessage(EventId = 1110, Level = LogLevel.Information,
        Message = "CAP_SYS_ADMIN is missing, which no bridge here needs: none enters a network namespace")]
    private static partial void LogUnneeded(ILogger log);
}
