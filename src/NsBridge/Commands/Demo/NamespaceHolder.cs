using NsBridge.Base;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Demo;

/// <summary>The second process of a demo that may enter namespaces: it makes one, and sits in it.</summary>
internal static class NamespaceHolder
{
    /// <summary>The one argument that makes this program be the holder; not for users.</summary>
    public const string Argument = "demo-namespace";

    /// <summary>Runs on the main thread, whose namespace is the process's for everybody else.</summary>
    /// <returns>0, or the error number of what failed.</returns>
    public static int Run()
    {
        Errno error = FreshNetworkNamespace.EnterForEver();
        if (error != Errno.None)
            return (int)error;

        try
        {
            using var life = new SecondLife();
            SecondLife.Say($"{DemoProcess.Ready}{life.Directory}");
            SecondLife.WaitForTheEnd();
            return 0;
        }
        catch (UserErrorException fault)
        {
            return SecondLife.Say(fault);
        }
    }
}
