using System.Text.Json;
using System.Text.Json.Nodes;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Machine;

/// <summary>The packaged service inside a container, driven as an operator drives it.</summary>
internal sealed class InstalledService
{
    public const string ConfigurationFile = "/etc/nsbridge/appsettings.json";
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(15);

    private readonly SystemdContainer _machine;

    private InstalledService(SystemdContainer machine) => _machine = machine;

    /// <summary>Installs the package that the container sees in its shared folder.</summary>
    public static async Task<InstalledService> InstallAsync(SystemdContainer machine)
    {
        await machine.CheckAsync($"dpkg --install {SystemdContainer.SharedFolder}/nsbridge_*.deb");
        return new InstalledService(machine);
    }

    /// <summary>Writes the configuration; a running daemon notices by itself.</summary>
    public Task ConfigureAsync(params BridgeEntry[] bridges) => _machine.WriteAsync(ConfigurationFile, new DaemonConfig(bridges).ToJson());

    /// <summary>Writes the configuration and starts the service anew with it.</summary>
    public async Task RestartWithAsync(params BridgeEntry[] bridges)
    {
        await ConfigureAsync(bridges);
        await _machine.CheckAsync("systemctl reset-failed nsbridge; systemctl restart nsbridge");
    }

    /// <summary>A property that systemctl shows of the unit.</summary>
    public async Task<string> PropertyAsync(string name) =>
        (await _machine.CheckAsync($"systemctl show nsbridge --value --property={name}")).Trim();

    /// <summary>The daemon's process id inside the container.</summary>
    public async Task<int> ProcessAsync() => int.Parse(await PropertyAsync("MainPID"), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A bridge's entry of <c>nsbridge status --json</c>, or null if the daemon does not answer or has no such bridge.</summary>
    public async Task<JsonNode?> BridgeAsync(string name)
    {
        CommandResult answer = await _machine.RunAsync("nsbridge status --json");
        if (answer.ExitCode != 0)
            return null;
        try
        {
            return JsonNode.Parse(answer.Output)?["bridges"]?.AsArray().SingleOrDefault(bridge => (string?)bridge?["name"] == name);
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"No JSON: {answer.Everything}", e);
        }
    }

    /// <summary>Waits until a bridge is in a state.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> BecomesAsync(string bridge, string state, TimeSpan? deadline = null)
    {
        JsonNode? last = null;
        return await Eventually.TrueAsync(
            async () => (string?)(last = await BridgeAsync(bridge))?["state"] == state,
            deadline ?? s_soon,
            () => $"bridge {bridge} is {state}; it is {last?.ToJsonString() ?? "not told of"}\n"
                + _machine.RunAsync("systemctl status nsbridge; journalctl --no-pager --unit=nsbridge --lines=40").Result.Output);
    }

    /// <summary>Waits until an echo comes back from a port of the machine's loopback address.</summary>
    public Task<TimeSpan> EchoesAsync(int port, TimeSpan? deadline = null) => _machine.EventuallyAsync(EchoProof(port), deadline ?? s_soon);

    /// <summary>A script that succeeds if an echo comes back from a port.</summary>
    public static string EchoProof(int port) => $"[ \"$(echo over | socat -t 5 -T 5 - TCP:127.0.0.1:{port} 2>/dev/null)\" = over ]";

    /// <summary>Lines of the journal about the unit, newest last, from the daemon and from the manager.</summary>
    public async Task<string> JournalAsync(string matches = "") =>
        await _machine.CheckAsync($"journalctl --sync; journalctl --no-pager --unit=nsbridge --output=cat {matches}");
}
