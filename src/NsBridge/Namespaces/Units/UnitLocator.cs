using System.Net.Sockets;
using NsBridge.Linux;
using NsBridge.Systemd;

namespace NsBridge.Namespaces.Units;

/// <summary>A service of systemd: at its <c>NetworkNamespacePath=</c> where it has one, else with its main process.</summary>
/// <remarks>
/// Asked once a second, which takes systemd well under a millisecond; the bus keeps nothing for it and wakes nobody. A unit that runs in the host's
/// network is refused even where the daemon itself lives elsewhere: systemd's own process tells which one that is.
/// </remarks>
internal sealed class UnitLocator(string unit) : INamespaceLocator, IDisposable
{
    private const string UnitType = "org.freedesktop.systemd1.Unit";
    private const string ServiceType = "org.freedesktop.systemd1.Service";
    private const int SystemdProcess = 1;

    private SystemBus? _bus;

    public string Description { get; } = $"unit {unit}";

    public TimeSpan Freshness { get; } = TimeSpan.FromSeconds(1);

    public async Task<NamespaceLocation> LocateAsync(CancellationToken cancel) => (await LookAsync(cancel)).Lead;

    public async Task<NamespaceState?> VerifyAsync(NamespaceLocation lead, CancellationToken cancel)
    {
        // Its number was read before its pidfd was opened: it is the one that was meant if systemd still says so and it is where systemd put it.
        (NamespaceLocation now, string controlGroup, bool isPrivate) = await LookAsync(cancel);
        if (now != lead)
            return new NamespaceState(0, $"{Description} is just being restarted", false);
        if (ProcessFiles.ControlGroups(lead.Process) is { } groups && !groups.Any(group => IsWithin(group, controlGroup)))
        {
            return new NamespaceState(
                0, $"process {lead.Process} is not {Description}'s as seen from here: systemd counts processes in another pid or control group namespace", true);
        }
        if (ProcessFiles.NetworkNamespace(lead.Process) is not { } place || place != ProcessFiles.NetworkNamespace(SystemdProcess))
            return null;
        return isPrivate
            ? new NamespaceState(0, $"{Description} is starting and not in its own network yet", false)
            : new NamespaceState(0, $"{Description} has no network of its own but runs in the host's; write \"host\" if that is meant", true);
    }

    private async Task<(NamespaceLocation Lead, string ControlGroup, bool IsPrivate)> LookAsync(CancellationToken cancel)
    {
        try
        {
            _bus ??= await SystemBus.ConnectAsync(cancel);
            return await LookAsync(_bus, cancel);
        }
        catch (Exception fault)
        {
            // Whatever was under way, its answer would be taken for the next one.
            _bus?.Dispose();
            _bus = null;
            if (fault is EndOfStreamException or IOException { InnerException: SocketException })
                throw new IOException("systemd broke off the conversation", fault);
            throw;
        }
    }

    private async Task<(NamespaceLocation Lead, string ControlGroup, bool IsPrivate)> LookAsync(SystemBus bus, CancellationToken cancel)
    {
        if (await bus.FindUnitAsync(unit, cancel) is not { } path)
            return (NamespaceLocation.Waiting($"{Description} is not running, or there is none"), "", false);
        string state = await bus.PropertyAsync(path, UnitType, "ActiveState", cancel) as string ?? "gone";
        if (state is "inactive" or "failed" or "gone")
            return (NamespaceLocation.Waiting($"{Description} is {state}"), "", false);
        if (await bus.PropertyAsync(path, ServiceType, "NetworkNamespacePath", cancel) is string { Length: > 0 } file)
            return (NamespaceLocation.AtPath(file), "", false);
        uint process = await bus.PropertyAsync(path, ServiceType, "MainPID", cancel) as uint? ?? 0;
        if (process == 0)
            return (NamespaceLocation.Waiting($"{Description} is {state} without a main process"), "", false);
        string run = await bus.PropertyAsync(path, UnitType, "InvocationID", cancel) is byte[] id ? Convert.ToHexStringLower(id) : "";
        string controlGroup = await bus.PropertyAsync(path, ServiceType, "ControlGroup", cancel) as string ?? "";
        bool isPrivate = await bus.PropertyAsync(path, ServiceType, "PrivateNetwork", cancel) is true;
        return (NamespaceLocation.OfProcess((int)process, run), controlGroup, isPrivate);
    }

    /// <summary>Ends the conversation with the bus.</summary>
    public void Dispose() => _bus?.Dispose();

    private static bool IsWithin(string group, string unitGroup) =>
        unitGroup.Length > 0 && (group == unitGroup || group.StartsWith(unitGroup + "/", StringComparison.Ordinal));
}
