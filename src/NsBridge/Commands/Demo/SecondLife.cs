using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Demo;

/// <summary>What <see cref="DemoProcess"/> promises of the demo's second process, in that process: a directory, and an end with the demo.</summary>
internal sealed class SecondLife : IDisposable
{
    private readonly PosixSignalRegistration[] _ignored;

    /// <exception cref="UserErrorException">The directory cannot be made, or no socket in it.</exception>
    public SecondLife()
    {
        // These reach every process of a terminal or a group: the demo ends by them, and this one after the demo.
        _ignored = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }
            .Select(signal => PosixSignalRegistration.Create(signal, received => received.Cancel = true))];
        try
        {
            // Its FullName is what TMPDIR says, and that may be relative.
            Directory = Path.GetFullPath(System.IO.Directory.CreateTempSubdirectory("nsbridge-demo-").FullName);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"nsbridge demo: cannot make a directory in {Path.GetTempPath()}, which TMPDIR may name", ExitCode.Failed);
        }

        int length = Encoding.UTF8.GetByteCount(SocketIn(Directory));
        if (length > TargetEndpoint.LongestUnixName)
        {
            System.IO.Directory.Delete(Directory);
            throw new UserErrorException(
                $"nsbridge demo: {SocketIn(Directory)} is {length} bytes and the path of a socket is at most {TargetEndpoint.LongestUnixName} bytes; set TMPDIR to a shorter directory",
                ExitCode.Failed);
        }
    }

    /// <summary>A directory for this user alone, removed at the end with everything in it.</summary>
    public string Directory { get; }

    /// <summary>Where the bridge's UNIX socket is, whose name is the longest of those in the directory.</summary>
    public static string SocketIn(string directory) => Path.Combine(directory, "demo.sock");

    /// <summary>Writes a line to the demo.</summary>
    public static void Say(string line) => Libc.Write(1, Encoding.UTF8.GetBytes($"{line}\n"));

    /// <summary>Has the demo tell a fault, and end.</summary>
    /// <returns>The exit code.</returns>
    public static int Say(UserErrorException fault)
    {
        Say(string.Create(CultureInfo.InvariantCulture, $"{DemoProcess.Fault}{fault.ExitCode} {fault.Message.ReplaceLineEndings(" ")}"));
        return fault.ExitCode;
    }

    /// <summary>Returns when the demo has closed its end of standard input, or the kernel has for it.</summary>
    public static void WaitForTheEnd()
    {
        using Stream input = Console.OpenStandardInput();
        while (input.ReadByte() >= 0)
        {
            // The demo never writes; only the end of its pipe means something.
        }
    }

    public void Dispose()
    {
        if (System.IO.Directory.Exists(Directory))
            System.IO.Directory.Delete(Directory, recursive: true);
        foreach (PosixSignalRegistration signal in _ignored)
            signal.Dispose();
    }
}
