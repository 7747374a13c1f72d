using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Doctor;

/// <summary>
/// Does the running daemon have the entry that is looked at here? First, since what follows looks at the entry's places: where the daemon goes by
/// another one, that would be the wrong ones.
/// </summary>
internal static class VersionCheck
{
    private const string Name = "daemon";

    public static CheckResult? Look(InspectedBridge patient)
    {
        if (patient is not { Daemon: { } daemon, Status: { } status })
            return null;
        BridgeSettings bridge = patient.Bridge;
        string?[] differences = new[]
        {
            Difference(nameof(BridgeSettings.Enabled), Word(status.State != "disabled"), Word(bridge.Enabled)),
            Difference(nameof(BridgeSettings.Protocol), status.Protocol, bridge.Protocol == BridgeProtocol.Udp ? "udp" : "tcp"),
            // Of what systemd hands over, the file says nothing.
            status.HandedOver ? null : Difference(nameof(BridgeSettings.Listen), string.Join(", ", status.Listen), bridge.Listen.ToString()),
            Difference(nameof(BridgeSettings.Namespace), status.Namespace.Reference, bridge.Namespace?.Text),
            Difference(nameof(BridgeSettings.Target), status.Target, bridge.Target?.Text),
            Difference(nameof(BridgeSettings.Socket), status.Socket, bridge.Socket),
        };
        return differences.Any(difference => difference is not null)
            ? CheckResult.Broken(
                Name,
                $"the running daemon (pid {daemon.Pid}) runs another version of this bridge: {string.Join("; ", differences.OfType<string>())}",
                "systemctl reload nsbridge; where that changes nothing it refused the file, and journalctl -u nsbridge says why, or its unit sets NsBridge__ variables, which go over the file: systemctl cat nsbridge")
            : null;
    }

    private static string? Difference(string key, string? there, string? here) =>
        (there ?? "") == (here ?? "") ? null : $"its {key} is {Told(there)}, the file's is {Told(here)}";

    private static string Told(string? value) => string.IsNullOrEmpty(value) ? "none" : value;

    private static string Word(bool value) => value ? "true" : "false";
}
