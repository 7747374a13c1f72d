namespace NsBridge.Commands.Doctor;

/// <summary>
/// What to do about a reason that the daemon gives while everything looks well to this command: it is then the service's own privileges or mounts.
/// The daemon tells its reasons as texts alone, so they are known by their words.
/// </summary>
internal static class DaemonCure
{
    public static string Of(string reason, string socket) => reason switch
    {
        _ when Tells(reason, "CAP_SYS_PTRACE") =>
            "the packaged unit has no CAP_SYS_PTRACE: the example drop-in enter-processes.conf adds it, and says how it is put in place",
        _ when Tells(reason, "cannot give it to group") =>
            "put the daemon into the group of \"SocketGroup\": the example drop-in socket-group.conf does, with the group's name in it",
        _ when Tells(reason, "EROFS") =>
            $"the packaged unit may write to its runtime directory alone: put \"Socket\" there, or add ReadWritePaths={Path.GetDirectoryName(socket)} by systemctl edit nsbridge; then systemctl restart nsbridge",
        _ when Tells(reason, "may not be used by the daemon's user") =>
            "give the daemon the group of that socket: SupplementaryGroups=GROUP by systemctl edit nsbridge, then systemctl restart nsbridge",
        _ when Tells(reason, "may not ask it") || Tells(reason, "may not read it") =>
            "let the daemon's user ask the engine: SupplementaryGroups=docker by systemctl edit nsbridge, or SocketGroup=nsbridge and SocketMode=0660 in podman.socket, in a folder that others may pass; then restart both",
        _ => "what was looked at here is well: compare the daemon's privileges and mounts (systemctl cat nsbridge), then restart it",
    };

    private static bool Tells(string reason, string words) => reason.Contains(words, StringComparison.Ordinal);
}
