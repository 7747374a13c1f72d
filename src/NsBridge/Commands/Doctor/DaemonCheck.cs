namespace NsBridge.Commands.Doctor;

/// <summary>Does a daemon run, with this bridge, and what does it say itself? Last, so that what hinders it comes first.</summary>
internal static class DaemonCheck
{
    private const string Name = "daemon";

    public static CheckResult Look(InspectedBridge patient)
    {
        if (patient.DaemonFault is { } fault)
            return CheckResult.Broken(Name, fault.Finding, fault.Cure);
        if (patient.Daemon is not { } daemon)
            return CheckResult.Broken(Name, "everything is ready for the bridge, but no daemon is running", "systemctl start nsbridge, or nsbridge run");
        if (patient.Status is not { } status)
        {
            return CheckResult.Broken(
                Name, $"the running daemon (pid {daemon.Pid}) does not know bridge {patient.Bridge.Name}", "it refused the file as it is now, or has not read it: systemctl reload nsbridge, then journalctl -u nsbridge");
        }

        return status.State == "up"
            ? CheckResult.Ok(Name, $"pid {daemon.Pid} says: up, {status.Connections.Active} of {status.Connections.Total} clients connected")
            : CheckResult.Broken(
                Name,
                $"pid {daemon.Pid} says: {status.State}{(status.Reason.Length > 0 ? $": {status.Reason}" : "")}",
                DaemonCure.Of(status.Reason, patient.Bridge.Socket));
    }
}
