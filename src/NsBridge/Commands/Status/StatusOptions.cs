namespace NsBridge.Commands.Status;

/// <summary>What <c>nsbridge status</c> was given.</summary>
/// <param name="Json">Print JSON instead of a table.</param>
/// <param name="Watch">Go on until interrupted.</param>
/// <param name="ConfigFile">What <c>--config</c> names; null looks where the daemon would.</param>
internal sealed record StatusOptions(bool Json, bool Watch, string? ConfigFile);
