using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using NsBridge.CommandLine;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Operations.Demo;

/// <summary>A throw-away network namespace, alive as long as this is.</summary>
internal sealed class DemoNamespace : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private readonly Process _holder;

    private DemoNamespace(Process holder) => _holder = holder;

    /// <summary>How a configuration names it.</summary>
    public string Reference => string.Create(CultureInfo.InvariantCulture, $"pid:{_holder.Id}");

    /// <summary>A directory that goes with the namespace.</summary>
    public string Directory { get; private set; } = "";

    public NetworkNamespace Network => NetworkNamespace.AtPath(string.Create(CultureInfo.InvariantCulture, $"/proc/{_holder.Id}/ns/net"));

    /// <summary>Makes one.</summary>
    /// <exception cref="UserFault">The privilege is missing, or the kernel has no more.</exception>
    public static async Task<DemoNamespace> MakeAsync(CancellationToken stop)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [NamespaceHolder.Argument]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        Process holder;
        try
        {
            holder = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new UserFault($"nsbridge demo: cannot start its second process: {exception.Message}", ExitCode.Failed);
        }

        var made = new DemoNamespace(holder);
        try
        {
            var line = await holder.StandardOutput.ReadLineAsync(stop).AsTask().WaitAsync(s_deadline, stop);
            if (line?.StartsWith(NamespaceHolder.Ready, StringComparison.Ordinal) == true)
            {
                made.Directory = line[NamespaceHolder.Ready.Length..];
                return made;
            }

            await holder.WaitForExitAsync(stop).WaitAsync(s_deadline, stop);
            throw (Errno)holder.ExitCode == Errno.EPERM
                ? new UserFault(
                    "nsbridge demo: making a network namespace needs CAP_SYS_ADMIN; run it as root: sudo nsbridge demo", ExitCode.Privilege)
                : new UserFault($"nsbridge demo: cannot make a network namespace: {(Errno)holder.ExitCode}", ExitCode.Failed);
        }
        catch (TimeoutException)
        {
            made.Dispose();
            throw new UserFault("nsbridge demo: its second process does not answer", ExitCode.Failed);
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _holder.StandardInput.Close();
        if (!_holder.WaitForExit(s_deadline))
            _holder.Kill();
        _holder.Dispose();
    }
}
