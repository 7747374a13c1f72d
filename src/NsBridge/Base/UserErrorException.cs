namespace NsBridge.Base;

/// <summary>A fault that the user can mend: its message says what and how, and is all that is printed.</summary>
internal sealed class UserErrorException(string message, int exitCode) : Exception(message)
{
    /// <summary>One of <see cref="Base.ExitCode"/>.</summary>
    public int ExitCode => exitCode;
}
