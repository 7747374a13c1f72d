namespace NsBridge.Commands.Inspection;

/// <summary>Programs that a command starts.</summary>
internal static class ProgramPath
{
    /// <summary>The command line of this program; under <c>dotnet nsbridge.dll</c> it is an argument of the host.</summary>
    public static IReadOnlyList<string> Self { get; } = Path.GetFileName(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0]]
        : [Environment.ProcessPath!];

    /// <summary>Searches PATH as the shell does; starting a process by its bare name would search the working directory too.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Where(Path.IsPathRooted)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
}
