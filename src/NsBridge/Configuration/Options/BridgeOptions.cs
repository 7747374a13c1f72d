using System.ComponentModel.DataAnnotations;

namespace NsBridge.Configuration.Options;

/// <summary>One entry of <c>NsBridge:Bridges</c> as written; null where a key was left out.</summary>
internal sealed class BridgeOptions
{
    [Required(ErrorMessage = "{0}: every bridge needs a name of its own")]
    [BridgeName]
    public string? Name { get; set; }

    [OneOf("true", "false")]
    public string? Enabled { get; set; }

    [OneOf("tcp", "udp")]
    public string? Protocol { get; set; }

    /// <summary>Checked entry by entry where the settings are read: an attribute could tell one fault only.</summary>
    public List<string> Listen { get; set; } = [];

    [NamespaceText]
    public string? ListenNamespace { get; set; }

    [AbsolutePath("/run/nsbridge/web.sock")]
    public string? Socket { get; set; }

    [FileMode]
    public string? SocketMode { get; set; }

    [GroupName]
    public string? SocketGroup { get; set; }

    [NamespaceText]
    public string? Namespace { get; set; }

    [TargetText]
    public string? Target { get; set; }

    [OneOf("handoff", "relay")]
    public string? Join { get; set; }

    [Duration(1, DurationAttribute.Day)]
    public string? ConnectTimeout { get; set; }

    [Duration(0, DurationAttribute.Day)]
    public string? TargetWait { get; set; }

    [Duration(0, 7 * DurationAttribute.Day)]
    public string? IdleTimeout { get; set; }

    /// <summary>The kernel takes whole seconds up to 32767 (MAX_TCP_KEEPIDLE).</summary>
    [Duration(0, 32_767_000, WholeSeconds = true)]
    public string? KeepAlive { get; set; }

    [WholeNumber(0, int.MaxValue)]
    public string? MaxConnections { get; set; }

    [WholeNumber(0, int.MaxValue)]
    public string? MaxConnectionsPerClient { get; set; }

    /// <summary>Checked entry by entry, as <see cref="Listen"/> is.</summary>
    public List<string> AllowFrom { get; set; } = [];

    [OneOf("none", "v1", "v2")]
    public string? ProxyProtocol { get; set; }

    [OneOf("close", "drain")]
    public string? WhenNamespaceGoes { get; set; }
}
