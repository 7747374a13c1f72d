using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>The owner of a namespace, see ioctl_ns(2). For commands of a user alone: the packaged unit forbids ioctl(2).</summary>
public static unsafe partial class Libc
{
    private const nuint NS_GET_USERNS = 0xb701;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int ioctl(int descriptor, nuint request);

    /// <summary>The file of the user namespace that owns a namespace.</summary>
    /// <returns>A descriptor, or a negated error: EPERM if it is not the caller's user namespace nor below it.</returns>
    public static int OwningUserNamespace(int descriptor)
    {
        int owner = Result(ioctl(descriptor, NS_GET_USERNS));
        if (owner >= 0)
            SetCloseOnExec(owner);
        return owner;
    }
}
