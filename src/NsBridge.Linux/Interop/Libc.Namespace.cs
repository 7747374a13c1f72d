using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Namespaces. Internal: only <see cref="NetworkNamespace"/> may enter one.</summary>
public static unsafe partial class Libc
{
    private const int CLONE_NEWNET = 0x40000000;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setns(int descriptor, int kind);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int unshare(int kinds);

    /// <summary>Moves the calling thread into a new network namespace.</summary>
    internal static int UnshareNetworkNamespace() => Result(unshare(CLONE_NEWNET));

    /// <summary>Moves the calling thread into a network namespace, given by its file or by a process's pidfd.</summary>
    internal static int SetNetworkNamespace(int descriptor) => Result(setns(descriptor, CLONE_NEWNET));
}
