namespace NsBridge.Control;

/// <summary>What <c>nsbridge status --json</c> prints. Names and shape are promised; keys may be added, never changed.</summary>
/// <param name="Version">Of the daemon, such as <c>0.1.0</c>.</param>
/// <param name="Pid">The daemon's process.</param>
/// <param name="Configuration">The full path of the file it goes by; null from a daemon that does not tell it yet.</param>
/// <param name="Bridges">In the order of the configuration.</param>
internal sealed record StatusDocument(string Version, int Pid, string? Configuration, IReadOnlyList<BridgeStatus> Bridges);
