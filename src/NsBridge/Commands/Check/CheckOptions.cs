namespace NsBridge.Commands.Check;

/// <summary>What <c>nsbridge check</c> was given.</summary>
/// <param name="ConfigFile">What <c>--config</c> names; null looks where the daemon would.</param>
/// <param name="Schema">Whether to print the JSON schema instead.</param>
internal sealed record CheckOptions(string? ConfigFile, bool Schema = false);
