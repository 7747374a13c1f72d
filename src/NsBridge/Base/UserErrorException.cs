namespace NsBridge.Base;

/// <summary>A fault that the user can mend: its message says what and how, and is all that is printed.</summary>
internal sealed class UserErrorException(string message, int exitCode) : Exception(message)
{
    /// <summary>One of <see cref="Base.ExitCode"/>.</summary>
    public int ExitCode => exitCode;
}

/// <summary>The exit codes; the numbers above 1 are those of sysexits.h.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failed = 1;

    /// <summary>EX_USAGE: a wrong command line.</summary>
    public const int Usage = 64;

    /// <summary>EX_NOPERM: a privilege is missing.</summary>
    public const int Privilege = 77;

    /// <summary>EX_CONFIG: a wrong configuration.</summary>
    public const int Configuration = 78;
}
