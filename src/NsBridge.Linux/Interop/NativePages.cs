using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Memory straight from the kernel, mmap(2): costs only the pages that were touched, and is gone when unmapped.</summary>
public static unsafe partial class NativePages
{
    private const int PROT_READ_WRITE = 3;
    private const int MAP_PRIVATE_ANONYMOUS = 0x22;
    private const int MAP_SHARED = 1;
    private const int MADV_DONTNEED = 4;

    [LibraryImport("libc")]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int descriptor, nint offset);
    [LibraryImport("libc")]
    private static partial int munmap(void* address, nuint length);
    [LibraryImport("libc")]
    private static partial int madvise(void* address, nuint length, int advice);

    /// <summary>Maps zeroed memory; 0 if the kernel gives none.</summary>
    public static nint Map(int bytes) => Map(MAP_PRIVATE_ANONYMOUS, -1, 0, bytes);

    /// <summary>Maps memory that a descriptor shares with the kernel; 0 if that fails.</summary>
    internal static nint MapFile(int descriptor, long offset, int bytes) => Map(MAP_SHARED, descriptor, offset, bytes);

    private static nint Map(int flags, int descriptor, long offset, int bytes)
    {
        void* address = mmap(null, (nuint)bytes, PROT_READ_WRITE, flags, descriptor, (nint)offset);
        return (nint)address == -1 ? 0 : (nint)address;
    }

    public static void Unmap(nint address, int bytes) => _ = munmap((void*)address, (nuint)bytes);

    /// <summary>Releases pages: private memory is zero at its next use, a file's pages are read again. False if the kernel
    /// refuses.</summary>
    public static bool Discard(nint address, int bytes) => madvise((void*)address, (nuint)bytes, MADV_DONTNEED) == 0;

    /// <summary>Copies within native memory.</summary>
    public static void Copy(nint from, nint to, int bytes) => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);

    /// <summary>Copies managed bytes to native memory.</summary>
    public static void Write(nint to, ReadOnlySpan<byte> bytes) => bytes.CopyTo(new Span<byte>((void*)to, bytes.Length));

    /// <summary>Copies native memory to managed bytes.</summary>
    public static void Read(nint from, Span<byte> bytes) => new ReadOnlySpan<byte>((void*)from, bytes.Length).CopyTo(bytes);
}
