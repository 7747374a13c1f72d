using System.Globalization;
using NsBridge.CommandLine;
using NsBridge.Configuration;

namespace NsBridge.Bridges;

/// <summary>What this process may do, and what the configuration asks of it.</summary>
internal static class Privileges
{
    // Bits of capabilities(7).
    private const int CAP_SYS_PTRACE = 19;
    private const int CAP_SYS_ADMIN = 21;

    /// <summary>Stops a start that cannot lead to anything: every bridge needs a privilege that is missing.</summary>
    /// <exception cref="UserFault">Says which privilege, for what, and the cure.</exception>
    public static void Require(DaemonSettings settings)
    {
        BridgeSettings[] enabled = [.. settings.Bridges.Where(bridge => bridge.Enabled)];
        ulong effective = Effective();
        if (enabled.Length == 0 || !Array.TrueForAll(enabled, bridge => Missing(bridge, effective) is not null))
            return;
        throw new UserFault(
            $"nsbridge: {Missing(enabled[0], effective)} is missing, which entering network namespace '{Entered(enabled[0])}' for bridge '{enabled[0].Name}' needs.\n" +
            "Run it as root, by its systemd unit, or with: setpriv --ambient-caps +sys_admin --inh-caps +sys_admin nsbridge",
            ExitCode.Privilege);
    }

    private static string? Missing(BridgeSettings bridge, ulong effective)
    {
        if (Entered(bridge) is not { } place)
            return null;
        if ((effective & 1UL << CAP_SYS_ADMIN) == 0)
            return "CAP_SYS_ADMIN";
        return null;
    }

    /// <summary>The namespace that the bridge has to enter; null where it enters none.</summary>
    private static NamespaceReference? Entered(BridgeSettings bridge) =>
        bridge.Namespace is { Kind: not NamespaceKind.Host } place ? place
        : bridge.Listen.Count > 0 && bridge.ListenNamespace.Kind != NamespaceKind.Host ? bridge.ListenNamespace : null;

    private static ulong Effective()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapEff:", StringComparison.Ordinal));
        return ulong.Parse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
