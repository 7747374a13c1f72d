namespace NsBridge.Commands.Doctor;

/// <summary>Why a daemon that may well run could not be asked.</summary>
/// <param name="Finding">In words.</param>
/// <param name="Cure">What to do about it.</param>
/// <param name="ExitCode">What the command ends with for it.</param>
internal sealed record DaemonFault(string Finding, string Cure, int ExitCode);
