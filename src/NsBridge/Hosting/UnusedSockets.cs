using Microsoft.Extensions.Logging;
using NsBridge.Configuration.Settings;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

/// <summary>Logs sockets that systemd handed over and no bridge takes. A new configuration may use them, so they stay open.</summary>
internal sealed partial class UnusedSockets(ActivationSockets sockets, ILogger log)
{
    private HashSet<string> _logged = [];

    /// <summary>Logs what was not logged for the configuration before.</summary>
    /// <param name="bridges">All that are configured.</param>
    public void Log(IEnumerable<BridgeSettings> bridges)
    {
        Dictionary<string, BridgeSettings> byName = bridges.ToDictionary(bridge => bridge.Name);
        HashSet<string> unused = [.. sockets.Names.Select(name => Describe(name, byName.GetValueOrDefault(name))).OfType<string>()];
        foreach (string one in unused.Except(_logged))
            Unused(one);
        _logged = unused;
    }

    /// <returns>The socket and why it is not taken; null when it is taken.</returns>
    private static string? Describe(string name, BridgeSettings? bridge) => (name, bridge) switch
    {
        ("", _) => "without a name: FileDescriptorName= in its unit has to be the name of a bridge",
        (_, null) => $"named {name}, but no bridge has that name (FileDescriptorName=)",
        (_, { Enabled: false }) => $"named {name}, but bridge {name} is switched off (\"Enabled\": false)",
        (_, { Listen.Count: 0 }) => $"named {name}, but bridge {name} has no \"Listen\" that it could replace",
        (_, { TakesSockets: false }) => $"named {name}, but bridge {name} listens in network namespace {bridge.ListenNamespace} " +
            "(\"ListenNamespace\") and takes none of the host",
        _ => null,
    };

    [LoggerMessage(EventId = 1101, Level = LogLevel.Warning, Message = "systemd handed over a socket {Unused}; its clients wait in vain")]
    private partial void Unused(string unused);
}
