using System.Diagnostics;

namespace NsBridge.Testing;

/// <summary>A program that runs beside a test, with its lines kept; disposing kills it together with its children.</summary>
public sealed class BackgroundProcess : IDisposable
{
    private static readonly TimeSpan s_exitDeadline = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private bool _disposed;

    private BackgroundProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _process.StandardInput.Close();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Every line written so far, standard output and standard error as they came.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public static BackgroundProcess Start(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null) =>
        new(Process.Start(Command.Describe(program, arguments, environment))
            ?? throw new InvalidOperationException($"{program} could not be started."));

    /// <summary>Sends a signal by its short name (<c>TERM</c>, <c>HUP</c>, <c>STOP</c>, …).</summary>
    public Task SignalAsync(string signal) => Command.CheckAsync("/bin/sh", "-c", $"kill -{signal} {Id}");

    /// <summary>Waits for the program to end and for its last line.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="TimeoutException">It still runs after <paramref name="deadline"/> (20 s if null).</exception>
    public async Task<int> ExitAsync(TimeSpan? deadline = null)
    {
        await _process.WaitForExitAsync().WaitAsync(deadline ?? s_exitDeadline);
        return _process.ExitCode;
    }

    /// <summary>Waits for a line that <paramref name="matches"/> accepts.</summary>
    public Task LineAsync(Func<string, bool> matches, TimeSpan deadline, string what) =>
        Eventually.TrueAsync(() => Task.FromResult(Lines.Any(matches)), deadline, () => $"{what}; it wrote:\n{string.Join('\n', Lines)}");

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(s_exitDeadline);
        }
        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
            return;
        lock (_lines)
            _lines.Add(line.Data);
    }
}
