using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

public static unsafe partial class Libc
{
    /// <summary>ERANGE, which getgrnam_r returns instead of setting errno.</summary>
    internal const int GroupBufferTooSmall = 34;

    /// <summary>struct group of grp.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Group
    {
        public byte* Name;
        public byte* Password;
        public uint Id;
        public byte** Members;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getgrnam_r(string name, Group* entry, byte* buffer, nuint size, Group** found);
}
