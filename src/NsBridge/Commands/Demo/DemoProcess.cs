using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using NsBridge.Base;

namespace NsBridge.Commands.Demo;

/// <summary>
/// The demo's second process, inside the namespace. It lives until its standard input ends and removes its directory then; the kernel ends that when the
/// demo is gone, however it went, and frees the namespace with its last process: nothing can be left behind.
/// </summary>
/// <remarks>PR_SET_PDEATHSIG would not do: it follows the thread that started the process, and those of the pool come and go.</remarks>
internal sealed class DemoProcess : IAsyncDisposable
{
    /// <summary>The line that it writes when all is there begins so; what follows is for its scene.</summary>
    public const string Ready = "ready ";

    /// <summary>The line by which it has the demo end begins so; an exit code and a message follow.</summary>
    public const string Fault = "fault ";

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private readonly Process _process;

    private DemoProcess(Process process) => _process = process;

    /// <summary>The command line of this very program; under <c>dotnet nsbridge.dll</c> it is an argument of its host.</summary>
    public static IReadOnlyList<string> Self { get; } = Path.GetFileName(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0]]
        : [Environment.ProcessPath!];

    /// <summary>How a configuration names its network namespace.</summary>
    public string Reference => string.Create(CultureInfo.InvariantCulture, $"pid:{_process.Id}");

    /// <summary>Where its network namespace is entered.</summary>
    public string NamespaceFile => string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/ns/net");

    /// <summary>The directory that it made for the demo, once that is known.</summary>
    public string Directory { get; set; } = "";

    /// <summary>Starts it; what it complains about goes to the demo's own standard error.</summary>
    /// <exception cref="UserErrorException">It cannot be started.</exception>
    public static DemoProcess Start(params IReadOnlyList<string> commandLine)
    {
        var start = new ProcessStartInfo(commandLine[0], commandLine.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true };
        try
        {
            return new DemoProcess(Process.Start(start)!);
        }
        catch (Win32Exception exception)
        {
            throw new UserErrorException($"nsbridge demo: cannot start its second process, {commandLine[0]}: {exception.Message}", ExitCode.Failed);
        }
    }

    /// <returns>The next line that it writes; null where it ends instead.</returns>
    /// <exception cref="UserErrorException">It does neither in time, or tells a fault.</exception>
    public async Task<string?> ReadLineAsync(CancellationToken stop)
    {
        try
        {
            string? line = await _process.StandardOutput.ReadLineAsync(stop).AsTask().WaitAsync(s_deadline, stop);
            if (line?.StartsWith(Fault, StringComparison.Ordinal) == true && line[Fault.Length..].Split(' ', 2) is [var code, var message])
                throw new UserErrorException(message, int.Parse(code, CultureInfo.InvariantCulture));
            return line;
        }
        catch (TimeoutException)
        {
            throw new UserErrorException("nsbridge demo: its second process does not answer", ExitCode.Failed);
        }
    }

    /// <returns>What it ended with, where it wrote no more.</returns>
    public async Task<int> ExitCodeAsync(CancellationToken stop)
    {
        await _process.WaitForExitAsync(stop);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(s_deadline);
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
        // Somebody may have killed it before it could.
        if (System.IO.Directory.Exists(Directory))
            System.IO.Directory.Delete(Directory, recursive: true);
    }
}
