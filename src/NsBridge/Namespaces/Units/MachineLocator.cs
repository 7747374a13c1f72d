using NsBridge.Namespaces.Locating;
using NsBridge.Systemd;

namespace NsBridge.Namespaces.Units;

/// <summary>A container that is registered with systemd-machined (systemd-nspawn, LXC, Incus), by its first process. Source:
/// org.freedesktop.machine1(5).</summary>
internal sealed class MachineLocator(string machine) : BusLocator($"machine {machine}")
{
    protected override Task<SystemBus> ConnectAsync(CancellationToken cancel) => SystemBus.ConnectAsync(cancel);

    protected override async Task<BusAnswer> AskAsync(SystemBus bus, CancellationToken cancel)
    {
        if (await bus.FindMachineAsync(machine, cancel) is not { } path)
            return new BusAnswer(NamespaceLocation.Waiting($"{Description} is not running, or there is none"));
        uint leader = await bus.PropertyAsync(path, SystemBus.MachineType, "Leader", cancel) as uint? ?? 0;
        string unit = await bus.PropertyAsync(path, SystemBus.MachineType, "Unit", cancel) as string ?? "";
        // It ended between two answers.
        if (leader == 0 || await bus.FindUnitAsync(unit, cancel) is not { } unitPath)
            return new BusAnswer(NamespaceLocation.Waiting($"{Description} is just ending"));
        string type = unit.EndsWith(".scope", StringComparison.Ordinal) ? SystemBus.ScopeType : SystemBus.ServiceType;
        string controlGroup = await bus.PropertyAsync(unitPath, type, "ControlGroup", cancel) as string ?? "";
        return new BusAnswer(NamespaceLocation.OfProcess((int)leader, unit), controlGroup);
    }
}
