using NsBridge.Namespaces.Locating;
using NsBridge.Systemd;

namespace NsBridge.Namespaces.Units;

/// <summary>A service of systemd: at its <c>NetworkNamespacePath=</c> if it has one, else with its main process.</summary>
/// <param name="unit">Its full name.</param>
/// <param name="isOfSession">Whether the user's own systemd has it, and not the machine's.</param>
internal sealed class UnitLocator(string unit, bool isOfSession) : BusLocator($"{(isOfSession ? "user unit" : "unit")} {unit}")
{
    protected override Task<SystemBus> ConnectAsync(CancellationToken cancel) =>
        isOfSession ? SystemBus.ConnectToSessionAsync(cancel) : SystemBus.ConnectAsync(cancel);

    protected override async Task<BusAnswer> AskAsync(SystemBus bus, CancellationToken cancel)
    {
        if (await bus.FindUnitAsync(unit, cancel) is not { } path)
            return new BusAnswer(NamespaceLocation.Waiting($"{Description} is not running, or there is none"));
        string state = await bus.PropertyAsync(path, SystemBus.UnitType, "ActiveState", cancel) as string ?? "gone";
        if (state is "inactive" or "failed" or "gone")
            return new BusAnswer(NamespaceLocation.Waiting($"{Description} is {state}"));
        if (await bus.PropertyAsync(path, SystemBus.ServiceType, "NetworkNamespacePath", cancel) is string { Length: > 0 } file)
            return new BusAnswer(NamespaceLocation.AtPath(file));
        uint process = await bus.PropertyAsync(path, SystemBus.ServiceType, "MainPID", cancel) as uint? ?? 0;
        if (process == 0)
            return new BusAnswer(NamespaceLocation.Waiting($"{Description} is {state} without a main process"));
        byte[]? id = await bus.PropertyAsync(path, SystemBus.UnitType, "InvocationID", cancel) as byte[];
        string controlGroup = await bus.PropertyAsync(path, SystemBus.ServiceType, "ControlGroup", cancel) as string ?? "";
        bool isPrivate = await bus.PropertyAsync(path, SystemBus.ServiceType, "PrivateNetwork", cancel) is true;
        NamespaceLocation location = NamespaceLocation.OfProcess((int)process, Convert.ToHexStringLower(id ?? []));
        return new BusAnswer(location, controlGroup) { IsPrivate = isPrivate };
    }
}
