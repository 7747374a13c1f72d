using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>struct statx of linux/stat.h: the same layout on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct FileStatus
{
    [FieldOffset(20)] public uint User;
    [FieldOffset(24)] public uint Group;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public ulong Size;
    [FieldOffset(48)] public ulong Blocks;
    [FieldOffset(96)] public long ChangedSeconds;
    [FieldOffset(104)] public uint ChangedNanoseconds;
    [FieldOffset(112)] public long ModifiedSeconds;
    [FieldOffset(120)] public uint ModifiedNanoseconds;
    [FieldOffset(136)] public uint DeviceMajor;
    [FieldOffset(140)] public uint DeviceMinor;

    /// <summary>Bytes on the file system; fewer than <see cref="Size"/> if the file has holes.</summary>
    public readonly ulong AllocatedBytes => Blocks * 512;

    /// <summary>Whether both are one file, as long as it exists.</summary>
    public readonly bool IsSameFile(in FileStatus other) =>
        Inode == other.Inode && DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;

    public readonly bool IsPipe => (Mode & Libc.S_IFMT) == Libc.S_IFIFO;

    public readonly bool IsDirectory => (Mode & Libc.S_IFMT) == Libc.S_IFDIR;

    public readonly bool IsRegular => (Mode & Libc.S_IFMT) == Libc.S_IFREG;

    public readonly bool IsSocket => (Mode & Libc.S_IFMT) == Libc.S_IFSOCK;

    public readonly bool IsSymbolicLink => (Mode & Libc.S_IFMT) == Libc.S_IFLNK;
}
