using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Demo;

/// <summary>The demo's second process, in a network namespace of its own, with the web server and, for a user without privilege, the inner
/// half of the bridge. It lives until its standard input ends, and removes its directory then. The kernel ends that input when the demo is
/// gone, also by SIGKILL, and frees the namespace with its last process: nothing is left behind.</summary>
/// <remarks>PR_SET_PDEATHSIG does not serve: it follows the thread that started the process, and pool threads end at any time.</remarks>
internal sealed class DemoChild : IAsyncDisposable
{
    /// <summary>The argument that makes this program the child; not for users.</summary>
    public const string Argument = "demo-child";

    /// <summary>A second argument: the process is in its namespace already, and runs the inner half.</summary>
    public const string Rootless = "rootless";

    // What the child writes: the first line once it is in its namespace, then one of the others.
    private const string Inside = "inside";
    private const string Ready = "ready ";
    private const string Fault = "fault ";

    private static readonly TimeSpan s_startDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_endDeadline = TimeSpan.FromMilliseconds(300);
    private readonly Process _process;

    private DemoChild(Process process) => _process = process;

    /// <summary>Its network namespace as in a configuration.</summary>
    public string Reference => $"pid:{_process.Id}";

    /// <summary>Where the web server listens, inside.</summary>
    public string Target { get; private set; } = "";

    /// <summary>A directory for this user alone.</summary>
    public string Directory { get; private set; } = "";

    /// <summary>Where the bridge's UNIX socket is, whose name is the longest of those in the directory.</summary>
    public static string SocketIn(string directory) => Path.Combine(directory, "demo.sock");

    /// <summary>Starts it; its messages go to the demo's standard error.</summary>
    /// <returns>Null if this user may not make a namespace in this way.</returns>
    /// <exception cref="UserErrorException">It does not start, or reports a fault.</exception>
    public static async Task<DemoChild?> StartAsync(IReadOnlyList<string> commandLine, CancellationToken stop)
    {
        string program = commandLine[0];
        var start = new ProcessStartInfo(program, commandLine.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true };
        DemoChild child;
        try
        {
            child = new DemoChild(Process.Start(start)!);
        }
        catch (Win32Exception exception)
        {
            throw Failed($"cannot start its second process, {program}: {ErrorText.Of(exception)}");
        }
        try
        {
            if (await child.ReadLineAsync(stop) == Inside)
            {
                await child.WaitReadyAsync(stop);
                return child;
            }
            await child._process.WaitForExitAsync(stop);
            // EPERM is 1, and so is the exit code of unshare(1).
            var error = (Errno)child._process.ExitCode;
            if (error != Errno.EPERM)
                throw Failed($"cannot make a network namespace: {error}");
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
        await child.DisposeAsync();
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(s_endDeadline);
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
        // It may have been killed before it removed the directory.
        if (System.IO.Directory.Exists(Directory))
            System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task WaitReadyAsync(CancellationToken stop)
    {
        string line = await ReadLineAsync(stop) ?? throw Failed("its second process has ended");
        string[] words = line.Split(' ', 3);
        if (line.StartsWith(Fault, StringComparison.Ordinal))
            throw new UserErrorException(words[2], int.Parse(words[1], CultureInfo.InvariantCulture));
        (Target, Directory) = (words[1], words[2]);
    }

    private async Task<string?> ReadLineAsync(CancellationToken stop)
    {
        try
        {
            return await _process.StandardOutput.ReadLineAsync(stop).AsTask().WaitAsync(s_startDeadline, stop);
        }
        catch (TimeoutException)
        {
            throw Failed("its second process does not answer");
        }
    }

    /// <summary>The child itself. Begins on the main thread, whose namespace is the process's for other processes.</summary>
    /// <returns>The exit code; an error number if there is no namespace.</returns>
    public static async Task<int> RunAsync(bool isRootless)
    {
        Errno error = isRootless ? FreshNetworkNamespace.TakeLoopbackUp() : FreshNetworkNamespace.EnterForEver();
        int listener = error == Errno.None ? Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM) : -1;
        if (error != Errno.None || listener < 0)
            return (int)(error == Errno.None ? Libc.ErrorOf(listener) : error);
        Say(Inside);
        // These reach each process of a terminal or a group: the demo ends by them, and this process after the demo.
        PosixSignalRegistration[] ignored = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }
            .Select(signal => PosixSignalRegistration.Create(signal, received => received.Cancel = true))];
        string? directory = null;
        try
        {
            directory = MakeDirectory();
            await using DemoWebServer server = DemoWebServer.Start(listener, $"pid:{Environment.ProcessId}");
            var draft = new BridgeDraft("demo", null, "host", server.Address.ToString(), Socket: SocketIn(directory));
            await using DemoBridge? half = isRootless ? await DemoBridge.StartAsync(draft, directory, CancellationToken.None) : null;
            Say($"{Ready}{server.Address} {directory}");
            using Stream input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0)
            {
            }
            return ExitCode.Success;
        }
        catch (UserErrorException fault)
        {
            Say($"{Fault}{fault.ExitCode} {fault.Message.ReplaceLineEndings(" ")}");
            return fault.ExitCode;
        }
        finally
        {
            if (System.IO.Directory.Exists(directory))
                System.IO.Directory.Delete(directory, recursive: true);
            foreach (PosixSignalRegistration signal in ignored)
                signal.Dispose();
        }
    }

    private static void Say(string line) => Libc.Write(1, Encoding.UTF8.GetBytes($"{line}\n"));

    private static string MakeDirectory()
    {
        string directory;
        try
        {
            // TMPDIR may be relative.
            directory = Path.GetFullPath(System.IO.Directory.CreateTempSubdirectory("nsbridge-demo-").FullName);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failed($"cannot make a directory in {Path.GetTempPath()}, which TMPDIR may name");
        }
        int length = Encoding.UTF8.GetByteCount(SocketIn(directory));
        if (length <= TargetEndpoint.LongestUnixName)
            return directory;
        System.IO.Directory.Delete(directory);
        throw Failed($"{SocketIn(directory)} is {length} bytes and the path of a socket is at most {TargetEndpoint.LongestUnixName} bytes; "
            + "set TMPDIR to a shorter directory");
    }

    private static UserErrorException Failed(string fault) => new($"nsbridge demo: {fault}", ExitCode.Failed);
}
