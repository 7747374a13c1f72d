using System.Text.Json;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>The running daemon's answer.</summary>
/// <param name="Document">What it reports; null if none runs or it gives no answer.</param>
/// <param name="Fault">Why a daemon that may run gives no answer; else null.</param>
/// <param name="ConfigFile">What <c>--config</c> named; null for the default.</param>
internal sealed record DaemonAnswer(StatusDocument? Document, CheckResult? Fault = null, string? ConfigFile = null);

/// <summary>Does a daemon run, with this bridge, and what does it report itself? Last, so that what hinders it comes first.</summary>
internal static class DaemonCheck
{
    private const string Name = "daemon";

    /// <summary>Asks the daemon at a control socket.</summary>
    public static async Task<DaemonAnswer> AskAsync(string path, string? configFile, CancellationToken stop)
    {
        string @lock = DaemonSettings.LockOf(path);
        try
        {
            byte[] answer = await ControlClient.AskStatusAsync(path, stop);
            return new DaemonAnswer(JsonSerializer.Deserialize(answer, StatusJson.Default.StatusDocument), null, configFile);
        }
        catch (UserErrorException fault) when (fault.ExitCode == ExitCode.Privilege)
        {
            string option = configFile is null ? "" : $" --config {Cures.Quoted(configFile)}";
            return new DaemonAnswer(null, CheckResult.Unknown(Name, fault.Message, $"sudo nsbridge doctor{option}"), configFile);
        }
        catch (UserErrorException fault) when (ControlClient.ProcessAt(path) > 0)
        {
            return NoAnswer(fault.Message);
        }
        catch (UserErrorException) when (RuntimeDirectoryLock.IsHeld(@lock))
        {
            return NoAnswer($"a daemon runs, since it holds {@lock}, but does not answer at {path}: the file was removed or replaced");
        }
        catch (UserErrorException)
        {
            return new DaemonAnswer(null, null, configFile);
        }
        catch (JsonException)
        {
            return NoAnswer("the daemon's answer is of another version than this program");
        }

        DaemonAnswer NoAnswer(string finding) =>
            new(null, CheckResult.Broken(Name, finding, $"{Cures.Restart}  # what it does now: {Cures.Log}"), configFile);
    }

    /// <param name="bridge">The bridge.</param>
    /// <param name="isComplete">Whether this user was allowed to make every check before.</param>
    public static CheckResult Probe(InspectedBridge bridge, bool isComplete)
    {
        if (bridge.Daemon.Fault is { } fault)
            return fault;
        if (bridge.Daemon.Document is null && !isComplete)
        {
            string option = bridge.Daemon.ConfigFile is { } file ? $" --config {Cures.Quoted(file)}" : "";
            return CheckResult.Unknown(
                Name, "no daemon is running; whether all is ready for it, this user may not check", $"sudo nsbridge doctor{option}");
        }
        if (bridge.Daemon.Document is not { } daemon)
            return CheckResult.Broken(Name, "all is ready, but no daemon is running", "systemctl start nsbridge  # or: nsbridge run");
        if (bridge.Status is not { } status)
        {
            return CheckResult.Broken(
                Name,
                $"the running daemon (pid {daemon.Pid}) does not know bridge {bridge.Settings.Name}: it refused or has not read the file",
                $"systemctl reload nsbridge; {Cures.Log}");
        }
        string report = $"pid {daemon.Pid} reports: {status.State}";
        return bridge.IsUp
            ? CheckResult.Ok(Name, $"{report}, {status.Connections.Active} clients connected, {status.Connections.Total} since its start")
            : CheckResult.Broken(Name, status.Reason.Length > 0 ? $"{report}: {status.Reason}" : report, Cure(bridge, status.ReasonCode));
    }

    /// <summary>Does the running daemon have the entry that is inspected? First: with another one, the other checks would look at the
    /// wrong places.</summary>
    public static CheckResult? ProbeVersion(InspectedBridge bridge)
    {
        if (bridge is not { Daemon.Document: { } daemon, Status: { } status })
            return null;
        BridgeSettings settings = bridge.Settings;
        (string Key, string? There, string? Here)[] values =
        [
            (nameof(BridgeSettings.Enabled), status.State != "disabled" ? "true" : "false", settings.Enabled ? "true" : "false"),
            (nameof(BridgeSettings.Protocol), status.Protocol, settings.Protocol == BridgeProtocol.Udp ? "udp" : "tcp"),
            (nameof(BridgeSettings.Listen), Wording.List(status.Listen), Wording.List(settings.Listen.Select(entry => entry.Text))),
            (nameof(BridgeSettings.Namespace), status.Namespace.Reference, settings.Namespace?.Text),
            (nameof(BridgeSettings.Target), status.Target, settings.Target?.Text),
            (nameof(BridgeSettings.Socket), status.Socket, settings.Socket),
        ];
        // What systemd passed is not in the file.
        bool isOther = !status.HandedOver && !status.Listen.SequenceEqual(settings.Listen.Select(entry => entry.Text));
        string[] differences = [.. values
            .Where(value => value.Key == nameof(BridgeSettings.Listen) ? isOther : (value.There ?? "") != (value.Here ?? ""))
            .Select(value => $"its {value.Key} is {OrNone(value.There)}, the file's is {OrNone(value.Here)}")];
        return differences.Length == 0 ? null : CheckResult.Broken(
            Name,
            $"the running daemon (pid {daemon.Pid}) has another version of this bridge: {string.Join("; ", differences)}",
            $"systemctl reload nsbridge; {Cures.Log}  # its unit may set NsBridge__ variables, too: systemctl cat nsbridge");
    }

    private static string OrNone(string? value) => string.IsNullOrEmpty(value) ? "none" : value;

    /// <summary>The cure of what the checks before did not find: the service's own privileges, mounts or limits.</summary>
    private static string Cure(InspectedBridge bridge, string code)
    {
        string socket = bridge.Settings.Socket, folder = Path.GetDirectoryName(socket)!;
        NamespaceKind kind = (bridge.Settings.Namespace ?? bridge.Settings.ListenNamespace).Kind;
        return code switch
        {
            _ when code == ReasonCode.NamespaceForbidden.Word => kind is NamespaceKind.Name or NamespaceKind.Path
                ? Cures.Capability("enter-namespaces.conf", "CAP_SYS_ADMIN")
                : Cures.Example("enter-processes.conf"),
            _ when code == ReasonCode.ListenerForbidden.Word => Cures.Capability("low-ports.conf", "CAP_NET_BIND_SERVICE"),
            _ when code == ReasonCode.SourceAddressForbidden.Word => Cures.Example("client-address.conf"),
            _ when code == ReasonCode.LocatorForbidden.Word => Cures.HasProgram("docker")
                ? Cures.DropIn("engine.conf", "SupplementaryGroups=docker")
                : "systemctl edit podman.socket  # below [Socket]: SocketGroup=nsbridge and SocketMode=0660",
            _ when code == ReasonCode.SocketGroupForbidden.Word =>
                Cures.Example("socket-group.conf", $"s/www-data/{bridge.Settings.SocketGroup}/"),
            _ when code == ReasonCode.SocketReadOnly.Word => Cures.DropIn("socket-folder.conf", $"ReadWritePaths={folder}"),
            _ when code == ReasonCode.SocketForbidden.Word =>
                $"setfacl -m u:nsbridge:rwx {Cures.Quoted(folder)}  # or choose another \"Socket\"",
            _ when code == ReasonCode.JoinForbidden.Word => Cures.DropIn("peer-group.conf", $"SupplementaryGroups={GroupOf(socket)}"),
            _ when code == ReasonCode.OutOfDescriptors.Word => Cures.DropIn("descriptors.conf", "LimitNOFILE=1048576"),
            _ when code == ReasonCode.OutOfWatches.Word => "sysctl -w fs.epoll.max_user_watches=4194304",
            _ => $"{Cures.Restart}; {Cures.Log}  # if that does not help, compare its privileges and mounts: systemctl cat nsbridge",
        };
    }

    private static uint GroupOf(string path) => Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status) >= 0 ? status.Group : 0;
}
