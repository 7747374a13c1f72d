using System.Text.Json;
using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Control;

namespace NsBridge.Commands.Doctor;

/// <summary><c>nsbridge doctor</c>: walks the chain of each bridge, and names the first broken link and its cure.</summary>
internal static class DoctorCommand
{
    public static async Task<int> RunAsync(DoctorOptions options, CancellationToken stop)
    {
        ConfigurationOutcome outcome = ConfigurationLoader.ForProcess(options.ConfigFile).Load();
        if (outcome.Settings is not { } settings)
        {
            await StandardStreams.Terminal.WriteLineAsync($"{DoctorText.Mark(CheckState.Broken)}  configuration  {PlainText.Line(outcome.File)} is wrong:");
            foreach (ConfigurationFault fault in outcome.Faults)
                await Console.Out.WriteLineAsync($"          {fault}");
            return ExitCode.Configuration;
        }

        var bridges = settings.Bridges.Where(bridge => options.Bridge is null || bridge.Name == options.Bridge).ToList();
        if (bridges.Count == 0 && options.Bridge is not null)
            throw new UserErrorException($"there is no bridge '{options.Bridge}'; there {Known(settings)}", ExitCode.Usage);
        if (bridges.Count == 0)
        {
            // As it is installed: nothing is broken.
            await Console.Out.WriteLineAsync($"{outcome.File} has no bridges; 'nsbridge discover' finds what there is to bridge".AsMemory(), stop);
            return ExitCode.Success;
        }

        (StatusDocument? daemon, DaemonFault? daemonFault) = await LocateAsync(settings.ControlSocket, stop);
        bool well = true;
        int exitCode = daemonFault?.ExitCode ?? ExitCode.Failed;
        for (int i = 0; i < bridges.Count; i++)
        {
            ResolvedNamespace door = await ResolvedNamespace.FindAsync(bridges[i].ListenNamespace, stop);
            ResolvedNamespace? inside = bridges[i].Namespace is { } place ? await ResolvedNamespace.FindAsync(place, stop) : null;
            var patient = new InspectedBridge(bridges[i], door, inside, daemon, daemonFault, settings.RuntimeDirectory);
            List<CheckResult> links = await OwnThread.RunAsync(() => Checks.Walk(patient));
            stop.ThrowIfCancellationRequested();
            well &= links[^1].State != CheckState.Broken;
            // Whatever else is broken: to see the whole, the privilege comes first.
            if (links[^1].LacksPrivilege)
                exitCode = ExitCode.Privilege;
            if (i > 0)
                await Console.Out.WriteLineAsync();
            await StandardStreams.Terminal.WriteLineAsync(DoctorText.Of(bridges[i].Name, links));
        }

        return well ? ExitCode.Success : exitCode;
    }

    private static string Known(DaemonSettings settings) => settings.Bridges.Count switch
    {
        0 => "are none",
        1 => $"is: {settings.Bridges[0].Name}",
        _ => $"are: {string.Join(", ", settings.Bridges.Select(bridge => bridge.Name))}",
    };

    private static async Task<(StatusDocument? Daemon, DaemonFault? Fault)> LocateAsync(string path, CancellationToken stop)
    {
        try
        {
            byte[] answer = await ControlClient.AskStatusAsync(path, stop);
            return (JsonSerializer.Deserialize(answer, StatusJson.Default.StatusDocument), null);
        }
        catch (UserErrorException fault) when (fault.ExitCode == ExitCode.Privilege)
        {
            return (null, new DaemonFault(fault.Message, "run this command as root", ExitCode.Privilege));
        }
        catch (UserErrorException fault) when (ControlClient.ProcessAt(path) > 0)
        {
            return (null, new DaemonFault(fault.Message, "journalctl -u nsbridge tells what it does; then systemctl restart nsbridge", ExitCode.Failed));
        }
        catch (UserErrorException) when (RuntimeDirectoryLock.IsHeld(DaemonSettings.LockOf(path)))
        {
            return (null, new DaemonFault(
                $"a daemon runs, since it holds {DaemonSettings.LockOf(path)}, but nobody answers at {path}: the file was removed or replaced",
                "systemctl restart nsbridge",
                ExitCode.Failed));
        }
        catch (UserErrorException)
        {
            return (null, null);
        }
        catch (JsonException)
        {
            return (null, new DaemonFault(
                "the daemon's answer is not understood: it is of another version than this program", "systemctl restart nsbridge", ExitCode.Failed));
        }
    }
}
