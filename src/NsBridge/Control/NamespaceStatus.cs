namespace NsBridge.Control;

/// <summary>The namespace of a bridge in <see cref="BridgeStatus"/>.</summary>
/// <param name="Reference">As the operator named it.</param>
/// <param name="Cookie">SO_NETNS_COOKIE; 0 while it is not known.</param>
internal sealed record NamespaceStatus(string? Reference, ulong Cookie);
