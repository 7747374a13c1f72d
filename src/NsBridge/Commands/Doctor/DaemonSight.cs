using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>
/// May the daemon use a socket's file? This command looks as root and with the machine's own mounts; the daemon is a user without privileges over files,
/// and its service may hide folders from it.
/// </summary>
internal static class DaemonSight
{
    /// <returns>The broken link; null where nothing speaks against the file, or this user may not tell.</returns>
    public static CheckResult? LookAtSocket(string name, InspectedBridge patient, string path)
    {
        if (patient.Daemon is not { } daemon)
            return null;
        using var sight = ProcessSight.Of(daemon.Pid);
        return sight?.MayConnect(path) switch
        {
            Errno.ENOENT => CheckResult.Broken(
                name,
                $"{path} is there, but the daemon does not see it: its service has mounts of its own",
                "put the socket below /run, or take away what hides it (PrivateTmp=, ProtectHome= and the like in systemctl cat nsbridge) by systemctl edit nsbridge"),
            Errno.EACCES => CheckResult.Broken(
                name,
                $"{path} may not be used by the daemon's user (EACCES)",
                $"add SupplementaryGroups={GroupOf(path)} by systemctl edit nsbridge, then systemctl restart nsbridge; or correct the modes of the socket and of the folders above it"),
            _ => null,
        };
    }

    /// <summary>Whether a file that is missing here is there for the daemon.</summary>
    public static bool Sees(InspectedBridge patient, string path)
    {
        using ProcessSight? sight = patient.Daemon is { } daemon ? ProcessSight.Of(daemon.Pid) : null;
        return sight?.Sees(path) == true;
    }

    private static uint GroupOf(string path) => Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status) >= 0 ? status.Group : 0;
}
