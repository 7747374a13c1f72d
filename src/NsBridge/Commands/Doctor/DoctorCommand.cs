using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Systemd;

namespace NsBridge.Commands.Doctor;

/// <summary>The options of <c>nsbridge doctor</c>; without a bridge all are checked.</summary>
internal sealed record DoctorOptions(string? Bridge, bool Json, string? ConfigFile);

/// <summary><c>nsbridge doctor</c>: walks the chain of each bridge, and names the first broken link and its cure.</summary>
internal static class DoctorCommand
{
    /// <summary>Bridges that are checked at once: one may wait seconds for a target that does not answer.</summary>
    private const int AtOnce = 32;

    /// <returns>0 if all is well, 78 for a wrong configuration, 1 if anything is broken, 77 if this user could not check all.</returns>
    public static async Task<int> RunAsync(DoctorOptions options, CancellationToken stop)
    {
        ConfigurationOutcome outcome = ConfigurationLoader.ForProcess(options.ConfigFile).Load();
        if (outcome.Settings is not { } settings)
        {
            string faults = PlainText.Lines(string.Join("\n", outcome.Faults)).Replace("\n", "\n          ", StringComparison.Ordinal);
            await StandardStreams.Terminal.WriteLineAsync(options.Json
                ? DoctorJson.Of(new DoctorDocument(outcome.File, FaultEntry.Of(outcome), []))
                : $"{DoctorReport.Mark(CheckState.Broken)}  configuration  {PlainText.Line(outcome.File)} is wrong:\n          {faults}");
            return ExitCode.Configuration;
        }
        var bridges = settings.Bridges.Where(bridge => options.Bridge is null || bridge.Name == options.Bridge).ToList();
        if (bridges.Count == 0 && options.Bridge is not null)
            throw new UserErrorException($"there is no bridge '{options.Bridge}'; there {Known(settings)}", ExitCode.Usage);
        // As it is installed: nothing is broken.
        if (bridges.Count == 0 && !options.Json)
            await Console.Out.WriteLineAsync($"{outcome.File} has no bridges; 'nsbridge discover' finds what there is to bridge");

        DaemonAnswer daemon = await DaemonCheck.AskAsync(settings.ControlSocket, options.ConfigFile, stop);
        var done = new List<BridgeDiagnosis>();
        foreach (Task<BridgeDiagnosis> inspection in Inspect(bridges, settings.RuntimeDirectory, daemon, stop))
        {
            done.Add(await inspection.WaitAsync(stop));
            if (!options.Json)
                await StandardStreams.Terminal.WriteLineAsync($"{(done.Count > 1 ? "\n" : "")}{done[^1]}");
        }
        if (options.Json)
            await Console.Out.WriteLineAsync(DoctorJson.Of(new DoctorDocument(outcome.File, [], done)));
        return done.Exists(bridge => bridge.Result == "broken") ? ExitCode.Failed
            : done.Exists(bridge => bridge.Result == "unknown") ? ExitCode.Privilege
            : ExitCode.Success;
    }

    private static List<Task<BridgeDiagnosis>> Inspect(
        List<BridgeSettings> bridges, string directory, DaemonAnswer daemon, CancellationToken stop)
    {
        var sockets = new SocketSnapshot();
        var slots = new SemaphoreSlim(AtOnce);
        // The packaged daemon asks the machine's systemd, whoever runs this command.
        bool isOfSession = SystemBus.IsInSession
            && Libc.LinkStatus(Libc.PathBytes(directory), out FileStatus status) >= 0 && status.User == Libc.EffectiveUser();
        // Each reference is located once: several bridges may share a unit.
        var places = bridges.SelectMany(bridge => new[] { bridge.ListenNamespace, bridge.Namespace ?? bridge.ListenNamespace }).Distinct()
            .ToDictionary(reference => reference, reference => ResolvedNamespace.FindAsync(reference, isOfSession, stop));
        return [.. bridges.Select(InspectAsync)];

        async Task<BridgeDiagnosis> InspectAsync(BridgeSettings bridge)
        {
            ResolvedNamespace? inside = bridge.Namespace is { } place ? await places[place] : null;
            var inspected = new InspectedBridge(bridge, await places[bridge.ListenNamespace], inside, daemon, sockets, directory);
            await slots.WaitAsync(stop);
            try
            {
                return new BridgeDiagnosis(bridge.Name, await OwnThread.RunAsync(() => Checks.Walk(inspected)));
            }
            finally
            {
                slots.Release();
            }
        }
    }

    private static string Known(DaemonSettings settings) => settings.Bridges.Count switch
    {
        0 => "are none",
        1 => $"is: {settings.Bridges[0].Name}",
        _ => $"are: {Wording.List(settings.Bridges.Select(bridge => bridge.Name))}",
    };
}
