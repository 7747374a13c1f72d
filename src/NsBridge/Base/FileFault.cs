using NsBridge.Linux.Interop;

namespace NsBridge.Base;

/// <summary>What went wrong with a file, in words. The framework's own texts are left out of the native executable.</summary>
internal static class FileFault
{
    public static string Describe(Exception exception) => exception switch
    {
        UnauthorizedAccessException => "permission denied",
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        PathTooLongException => "the path is too long",
        { HResult: (int)Errno.EEXIST } => "a file is there already",
        { HResult: (int)Errno.ENOTDIR } => "a part of the path is no directory",
        { HResult: (int)Errno.ENOSPC } => "no space is left on the device",
        { HResult: (int)Errno.EROFS } => "the file system is read-only",
        { HResult: > 0 and < 4096 and var number } => ((Errno)number).ToString(),
        _ => "input or output failed",
    };
}
