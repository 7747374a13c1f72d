namespace NsBridge.Commands.Discover;

/// <summary>What <c>nsbridge discover</c> was given.</summary>
/// <param name="Namespace">The one namespace to look into, as in the configuration; null looks into all.</param>
/// <param name="ConfigFile">What <c>--config</c> names; null looks where the daemon would.</param>
internal sealed record DiscoverOptions(string? Namespace, string? ConfigFile);
