using System.Globalization;
using NsBridge.CommandLine;
using NsBridge.Configuration;

namespace NsBridge.Bridges;

/// <summary>What this process may do, and what the configuration asks of it.</summary>
internal static class Privileges
{
    // Bits of capabilities(7).
    private const int CAP_SYS_ADMIN = 21;

    private const string WhatWorks = "bridges with \"Namespace\": \"host\" and outer halves (Listen and Socket alone) work without it";

    /// <summary>Stops a start that cannot lead to anything: every bridge needs a privilege that is missing.</summary>
    /// <exception cref="UserFault">Says which privilege, for what, and the cure.</exception>
    public static void Require(DaemonSettings settings)
    {
        BridgeSettings[] enabled = [.. settings.Bridges.Where(bridge => bridge.Enabled)];
        if (enabled.Length == 0 || MayEnter() || enabled.Any(bridge => Entered(bridge) is null))
            return;
        throw new UserFault(
            $"nsbridge: CAP_SYS_ADMIN is missing, which entering network namespace '{Entered(enabled[0])}' for bridge '{enabled[0].Name}' needs.\n" +
            "Run it as root, by its systemd unit, or with: setpriv --ambient-caps +sys_admin --inh-caps +sys_admin nsbridge\n" +
            $"Without root: {WhatWorks},\n" +
            "so run the inner half inside your own namespace (\"Namespace\": \"host\" there, by unshare -Urn or podman unshare) and the outer half outside.",
            ExitCode.Privilege);
    }

    /// <summary>Where some bridges can work and others not: one line that says which and why; null where nothing is missing.</summary>
    public static string? Lacking(DaemonSettings settings)
    {
        if (MayEnter())
            return null;
        string[] cannot = [.. settings.Bridges.Where(bridge => bridge.Enabled && Entered(bridge) is not null).Select(bridge => bridge.Name)];
        return cannot.Length == 0 ? null : $"CAP_SYS_ADMIN is missing: {string.Join(", ", cannot)} cannot enter their network namespaces; {WhatWorks}";
    }

    private static bool MayEnter() => (Effective() & 1UL << CAP_SYS_ADMIN) != 0;

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
