using System.Text;
using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Expose;

/// <summary>The configuration that a command line means. It is read like a file's text, so that its rules and messages are the
/// same.</summary>
internal static class ExposedBridges
{
    /// <summary>A target as in the configuration: a bare port is one of localhost.</summary>
    public static string TargetOf(string text) => PortRange.LooksLike(text) ? $"localhost:{text}" : text;

    /// <param name="options">The command line.</param>
    /// <param name="chosen">Where each target's bridge listens, if the kernel chose the port; else null.</param>
    /// <returns>The configuration, whose UNIX sockets are this process's alone.</returns>
    /// <exception cref="UserErrorException">It holds faults.</exception>
    public static ConfigurationOutcome Configure(ExposeOptions options, IReadOnlyList<string>? chosen)
    {
        var names = new HashSet<string>();
        IEnumerable<string> drafts = options.Targets.Select((target, i) => new BridgeDraft(
            BridgeDraft.NameFrom(target, names),
            [chosen?[i] ?? options.Listen ?? DefaultListen(target)],
            options.Into ? NamespaceReference.Host.Text : options.Namespace,
            TargetOf(target),
            options.Udp ? BridgeProtocol.Udp : BridgeProtocol.Tcp)
        {
            ListenNamespace = options.Into ? options.Namespace : null,
            AllowFrom = options.Allow.Count > 0 ? [.. options.Allow] : null,
            Join = options.Join,
        }.ToJson());
        // Connections end with the command.
        string text = $$"""{ "NsBridge": { "ShutdownTimeout": "00:00:00", "Bridges": [ {{string.Join(", ", drafts)}} ] } }""";
        ConfigurationOutcome outcome = ConfigurationLoader.LoadText("expose", Encoding.UTF8.GetBytes(text));
        if (outcome.Settings is not { } settings)
            throw new UserErrorException(string.Join(Environment.NewLine, outcome.Faults.Select(AsWritten)), ExitCode.Configuration);
        ValueList<BridgeSettings> bridges = [.. settings.Bridges.Select(bridge => bridge.With(BridgeKeys.Socket, ""))];
        return outcome with { Settings = settings with { Bridges = bridges } };
    }

    private static string DefaultListen(string text)
    {
        _ = TargetEndpoint.TryParse(TargetOf(text), out TargetEndpoint target, out _);
        return target.IsUnix
            ? throw new UserErrorException($"nsbridge expose: {text} has no port; say where to listen with --listen", ExitCode.Usage)
            : $"localhost:{target.Ports}";
    }

    /// <summary>The fault by the option or argument in place of the key.</summary>
    private static ConfigurationFault AsWritten(ConfigurationFault fault)
    {
        string key = fault.Path.Split(':').ElementAtOrDefault(3) ?? "";
        string? option = key == BridgeKeys.Target.Name ? "TARGET"
            : key == BridgeKeys.Listen.Name ? "--listen"
            : key == BridgeKeys.AllowFrom.Name ? "--allow"
            : null;
        return option is null ? fault : fault with { Path = option };
    }
}
