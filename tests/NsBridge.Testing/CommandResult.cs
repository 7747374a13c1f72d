namespace NsBridge.Testing;

/// <summary>What a program that ran to its end left: its exit code and everything it wrote.</summary>
/// <param name="ExitCode">0–255; 128 + N if signal N ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output and standard error, for looking through and for failure messages.</summary>
    public string Everything => Output + Error;
}
