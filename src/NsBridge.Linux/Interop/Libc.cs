using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

// Every signature is blittable: no marshalling between the caller and the kernel.
[assembly: DisableRuntimeMarshalling]

namespace NsBridge.Linux.Interop;

/// <summary>System calls by way of the C library. Every method returns the call's result, or the negated <see cref="Errno"/>. A call that
/// a signal interrupted is repeated here and nowhere else.</summary>
/// <remarks>Calls that do not block are made without a garbage collection transition: a transition costs a tenth of a short system call,
/// and between such a call and the reading of its error number nothing else can run on the thread.</remarks>
public static unsafe partial class Libc
{
    private const string Library = "libc";

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int* __errno_location();

    /// <summary>The error number of the last call without a garbage collection transition.</summary>
    private static int LastError
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => *__errno_location();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Result(int result) => result >= 0 ? result : -LastError;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Result(nint result) => result >= 0 ? result : -LastError;

    /// <summary>The error that a negative result stands for.</summary>
    public static Errno ErrorOf(nint result) => result < 0 ? (Errno)(int)-result : Errno.None;

    /// <summary>A path in UTF-8 with a closing zero.</summary>
    public static byte[] PathBytes(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
