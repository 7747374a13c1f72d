using NsBridge.Linux;

namespace NsBridge.Commands.Discover;

/// <summary>A network namespace on this machine other than the host's.</summary>
/// <param name="Reference">How a configuration names it: its name, the service or container in it, or a process.</param>
/// <param name="Network">The way in.</param>
internal sealed record NamespaceFound(string Reference, NetworkNamespace Network);
