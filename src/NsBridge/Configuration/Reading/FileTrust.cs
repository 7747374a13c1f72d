using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Configuration.Reading;

/// <summary>Whether root and this user alone decide what a file says, as ssh and sudo ask of their files: nobody else owns it or may write
/// it, or may replace it in its folder.</summary>
internal static class FileTrust
{
    /// <summary>As many as the kernel follows.</summary>
    private const int MostLinks = 40;

    private const int GroupMayWrite = 0b000_010_000;
    private const int OthersMayWrite = 0b000_000_010;
    private const int Sticky = 0b1_000_000_000;
    private const int Permissions = 0b1_111_111_111;

    /// <summary>Why the file or folder is not trusted; null if it is, or is not there. Each link on the way counts like the file.</summary>
    public static string? FaultOf(string path)
    {
        string what = "it";
        for (int links = 0; links <= MostLinks; links++)
        {
            string folder = Path.GetDirectoryName(path) ?? "/";
            // In a folder such as /tmp nobody replaces what another user owns.
            if (TryStatus(folder, out FileStatus above) && FaultOf(above, isShared: (above.Mode & Sticky) != 0) is { } fault)
                return $"the folder {folder} {fault}";
            if (Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status) < 0)
                return null;
            // The mode of a link says nothing.
            if (FaultOf(status, isShared: status.IsSymbolicLink) is { } own)
                return $"{what} {own}";
            if (!status.IsSymbolicLink || WholeFile.LinkTarget(path) is not { } target)
                return null;
            path = Path.Combine(folder, target);
            what = $"the link's target {path}";
        }
        return null;
    }

    /// <summary>Whether other users may make files in the folder.</summary>
    public static bool IsShared(string folder) => TryStatus(folder, out FileStatus status) && OthersWrite(status);

    private static bool TryStatus(string path, out FileStatus status)
    {
        status = default;
        int file = Libc.Open(Libc.PathBytes(path), Libc.O_PATH);
        bool isSeen = file >= 0 && Libc.Status(file, out status) >= 0;
        Libc.Close(file);
        return isSeen;
    }

    private static string? FaultOf(in FileStatus status, bool isShared)
    {
        uint self = Libc.EffectiveUser();
        if (status.User != 0 && status.User != self)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"belongs to user {status.User}, who is neither root nor this user ({self})");
        }
        string mode = Convert.ToString(status.Mode & Permissions, 8).PadLeft(3, '0');
        return isShared || !OthersWrite(status) ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"may be written by others: it has mode 0{mode} and belongs to user {status.User}, group {status.Group}");
    }

    /// <summary>A group with the owner's number is taken for the owner's private one, as umask 002 presumes.</summary>
    private static bool OthersWrite(in FileStatus status) => (status.Mode & OthersMayWrite) != 0
        || ((status.Mode & GroupMayWrite) != 0 && status.Group != 0 && status.Group != status.User);
}
