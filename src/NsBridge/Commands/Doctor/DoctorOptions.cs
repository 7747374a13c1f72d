namespace NsBridge.Commands.Doctor;

/// <summary>What <c>nsbridge doctor</c> was given.</summary>
/// <param name="Bridge">The one bridge to look at; null looks at all.</param>
/// <param name="ConfigFile">What <c>--config</c> names; null looks where the daemon would.</param>
internal sealed record DoctorOptions(string? Bridge, string? ConfigFile);
