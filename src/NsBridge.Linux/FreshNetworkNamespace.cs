using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Makes a network namespace that nothing but a process keeps alive: no name, no file, nothing to clean up.</summary>
public static class FreshNetworkNamespace
{
    /// <summary>
    /// Moves the calling thread into a new network namespace with <c>lo</c> up, for ever. For a process that does nothing else:
    /// threads started by this one are inside too. On the main thread, <c>/proc/PID/ns/net</c> is the new namespace.
    /// </summary>
    /// <returns>What failed; <see cref="Errno.EPERM"/> without CAP_SYS_ADMIN.</returns>
    public static Errno EnterForEver()
    {
        int result = Libc.UnshareNetworkNamespace();
        return result < 0 ? Libc.ErrorOf(result) : TakeLoopbackUp();
    }

    /// <summary>Takes <c>lo</c> up in the network namespace of the calling thread.</summary>
    /// <returns>What failed; <see cref="Errno.EPERM"/> without CAP_NET_ADMIN there.</returns>
    public static Errno TakeLoopbackUp()
    {
        int socket = Libc.Socket(Libc.AF_INET, Libc.SOCK_DGRAM);
        if (socket < 0)
            return Libc.ErrorOf(socket);
        int result = Libc.SetInterfaceUp(socket, "lo");
        Libc.Close(socket);
        return Libc.ErrorOf(result);
    }
}
