using NsBridge.Linux;
using NsBridge.Namespaces.Locating;
using NsBridge.Systemd;

namespace NsBridge.Namespaces.Units;

/// <summary>A service of systemd: at its <c>NetworkNamespacePath=</c> if it has one, else with its main process.</summary>
/// <remarks>Asked once a second, which takes systemd well under a millisecond. A unit that runs in the host's network is refused even if
/// the daemon itself is in another one: the namespace of process 1 identifies the host's.</remarks>
internal sealed class UnitLocator(string unit) : INamespaceLocator, IDisposable
{
    private const string UnitType = "org.freedesktop.systemd1.Unit";
    private const string ServiceType = "org.freedesktop.systemd1.Service";
    private const int SystemdProcess = 1;

    private SystemBus? _bus;

    public string Description { get; } = $"unit {unit}";

    public TimeSpan Freshness { get; } = TimeSpan.FromSeconds(1);

    public async Task<NamespaceLocation> LocateAsync(CancellationToken cancel) => (await AskAsync(cancel)).Location;

    public async Task<NamespaceLocation?> VerifyAsync(NamespaceLocation location, CancellationToken cancel)
    {
        // The number was read before the pidfd was opened: the process is the unit's if systemd still names it and it is in the unit's
        // control group.
        (NamespaceLocation now, string controlGroup, bool isPrivate) = await AskAsync(cancel);
        if (now != location)
            return NamespaceLocation.Waiting($"{Description} is just being restarted");
        if (ProcessFiles.ControlGroups(location.Process) is { } groups && !groups.Any(group => IsWithin(group, controlGroup)))
        {
            return NamespaceLocation.Refused(
                $"process {location.Process} is not {Description}'s as seen from here: "
                    + "systemd counts processes in another pid or control group namespace");
        }
        if (ProcessFiles.NetworkNamespace(location.Process) is not { } place || place != ProcessFiles.NetworkNamespace(SystemdProcess))
            return null;
        return isPrivate
            ? NamespaceLocation.Waiting($"{Description} is starting and not in its own network yet")
            : NamespaceLocation.Refused($"{Description} has no network of its own but runs in the host's; write \"host\" if that is meant");
    }

    private async Task<(NamespaceLocation Location, string ControlGroup, bool IsPrivate)> AskAsync(CancellationToken cancel)
    {
        try
        {
            _bus ??= await SystemBus.ConnectAsync(cancel);
            return await AskAsync(_bus, cancel);
        }
        catch
        {
            // A late answer must not be taken for that of the next call.
            _bus?.Dispose();
            _bus = null;
            throw;
        }
    }

    private async Task<(NamespaceLocation Location, string ControlGroup, bool IsPrivate)> AskAsync(SystemBus bus, CancellationToken cancel)
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

    public void Dispose() => _bus?.Dispose();

    private static bool IsWithin(string group, string unitGroup) =>
        unitGroup.Length > 0 && (group == unitGroup || group.StartsWith(unitGroup + "/", StringComparison.Ordinal));
}
