using NsBridge.Linux.Interop;

namespace NsBridge.Namespaces.Containers;

/// <summary>Where an engine is asked or keeps its files: a socket or a folder.</summary>
internal static class EnginePath
{
    /// <summary>Whether something is there, or may be: what lies in a folder that is closed to this user is not missing.</summary>
    public static bool MayBeThere(string path) => Libc.ErrorOf(Libc.LinkStatus(Libc.PathBytes(path), out _)) is Errno.None or Errno.EACCES;
}
