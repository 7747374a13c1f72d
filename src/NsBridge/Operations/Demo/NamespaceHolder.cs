using System.Runtime.InteropServices;
using System.Text;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Operations.Demo;

/// <summary>
/// The whole life of the demo's second process: it sits in a network namespace of its own until its standard input ends. The kernel
/// ends that when the demo is gone, however it went, and frees the namespace with its last process: nothing can be left behind.
/// </summary>
/// <remarks>PR_SET_PDEATHSIG would not do: it follows the thread that started the process, and those of the pool come and go.</remarks>
internal static class NamespaceHolder
{
    /// <summary>The one argument that makes this program be the holder; not for users.</summary>
    public const string Argument = "demo-namespace";

    /// <summary>What the holder writes once it is inside, before the directory that it made for the demo and removes at the end.</summary>
    public const string Ready = "ready ";

    /// <summary>Runs on the main thread, whose namespace is the process's for everybody else.</summary>
    /// <returns>0, or the error number of what failed.</returns>
    public static int Run()
    {
        var error = FreshNetworkNamespace.EnterForEver();
        if (error != Errno.None)
            return (int)error;

        // Ctrl-C reaches every process of the terminal: the demo ends by it, and the holder after the demo.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true);
        var directory = Directory.CreateTempSubdirectory("nsbridge-demo-").FullName;
        try
        {
            Libc.Write(1, Encoding.UTF8.GetBytes($"{Ready}{directory}\n"));
            using var input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0)
            {
                // The demo never writes; only the end of its pipe means something.
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return 0;
    }
}
