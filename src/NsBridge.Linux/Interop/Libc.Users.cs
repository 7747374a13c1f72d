using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

public static unsafe partial class Libc
{
    /// <summary>struct group of grp.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Group
    {
        public byte* Name;
        public byte* Password;
        public uint Id;
        public byte** Members;
    }

    /// <summary>Returns the error itself, not negated; errno is not set. ERANGE asks for a larger buffer.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getgrnam_r(string name, Group* entry, byte* buffer, nuint size, Group** found);
}
