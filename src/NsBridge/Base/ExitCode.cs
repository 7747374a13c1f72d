namespace NsBridge.Base;

/// <summary>What the executable answers to its caller; the numbers above 1 are those of sysexits.h.</summary>
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
