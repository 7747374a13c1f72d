using System.Diagnostics;

namespace NsBridge.Testing;

/// <summary>Runs programs to their end, always with a deadline and with nothing on standard input.</summary>
public static class Command
{
    private static readonly TimeSpan s_defaultDeadline = TimeSpan.FromSeconds(60);

    /// <summary>Runs <paramref name="program"/> and returns its result.</summary>
    /// <exception cref="TimeoutException">It did not end before the deadline (60 s if null); it was killed with its children.</exception>
    public static async Task<CommandResult> RunAsync(
        string program, IEnumerable<string> arguments, TimeSpan? deadline = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        ProcessStartInfo start = Describe(program, arguments, environment);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            var everything = Task.WhenAll(output, error, process.WaitForExitAsync());
            await everything.WaitAsync(deadline ?? s_defaultDeadline);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"'{program} {string.Join(' ', start.ArgumentList)}' did not end within "
                + $"{deadline ?? s_defaultDeadline}.");
        }
        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a program that must succeed and returns its standard output.</summary>
    /// <exception cref="InvalidOperationException">It ended with another code than 0; the message carries what it wrote.</exception>
    public static async Task<string> CheckAsync(string program, params string[] arguments)
    {
        CommandResult result = await RunAsync(program, arguments);
        return result.ExitCode == 0
            ? result.Output
            : throw new InvalidOperationException(
                $"'{program} {string.Join(' ', arguments)}' ended with {result.ExitCode}: {result.Everything.Trim()}");
    }

    internal static ProcessStartInfo Describe(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string? name, string? value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;
        return start;
    }
}
