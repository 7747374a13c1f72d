using System.Net.Sockets;
using NsBridge.Configuration.Settings;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Is the bridge's UNIX socket there, with the permissions it should have?</summary>
internal static class SocketCheck
{
    private const string Name = "socket";
    private const int Permissions = 0b111_111_111;

    /// <summary>Can the socket be there at all? Asked first: without it the daemon does not even listen.</summary>
    public static CheckResult? LookAtPlace(InspectedBridge patient)
    {
        string path = patient.Bridge.Socket;
        if (Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status) >= 0)
        {
            return status.IsSocket
                ? null
                : CheckResult.Broken(Name, $"{path} is {(status.IsSymbolicLink ? "a link" : "no socket")}", "remove it, or choose another \"Socket\"; the daemon never replaces what it did not make");
        }

        // The runtime directory the daemon makes itself.
        string directory = Path.GetDirectoryName(path)!;
        return patient.Bridge.Namespace is null || directory == patient.RuntimeDirectory || Directory.Exists(directory)
            ? null
            : CheckResult.Broken(Name, $"there is no directory {directory} for {path}", $"make it, such that the daemon's user may write in it (mkdir -p {directory}), or choose another \"Socket\"");
    }

    public static CheckResult? Look(InspectedBridge patient)
    {
        BridgeSettings bridge = patient.Bridge;
        string path = bridge.Socket;
        bool exists = Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status) >= 0;
        if (bridge.Namespace is null)
            return LookAtOther(patient, path, exists);
        if (patient.Daemon is null || patient.Status is not { State: "up" })
            return null;
        if (!exists && DaemonSight.Sees(patient, path))
        {
            const string Finding = "is there, but only the daemon sees it: its service has mounts of its own";
            // What comes by "Listen" is served all the same.
            return bridge.Listen.Count > 0
                ? CheckResult.Note(Name, $"{path} {Finding}")
                : CheckResult.Broken(Name, $"{path} {Finding}", "choose a \"Socket\" below /run/nsbridge, or take away what hides it (PrivateTmp= and the like) by systemctl edit nsbridge");
        }

        if (!exists)
            return CheckResult.Broken(Name, $"{path} is gone, though the daemon serves it: somebody has removed the file", "systemctl restart nsbridge");
        int mode = status.Mode & Permissions;
        if (mode != bridge.SocketMode)
        {
            return CheckResult.Broken(
                Name, $"{path} has mode {Octal(mode)}, but \"SocketMode\" is {Octal(bridge.SocketMode)}", $"chmod {Octal(bridge.SocketMode)} {path}, or correct \"SocketMode\"");
        }

        if (bridge.SocketGroup is { } group && status.Group != group.Id)
            return CheckResult.Broken(Name, $"{path} belongs to group {status.Group}, but \"SocketGroup\" is {bridge.SocketGroup}", $"chgrp {bridge.SocketGroup} {path}");
        return CheckResult.Ok(Name, $"{path} is there, mode {Octal(mode)}");
    }

    /// <summary>An outer half alone: the socket is another daemon's, or any server's.</summary>
    private static CheckResult LookAtOther(InspectedBridge patient, string path, bool exists)
    {
        if (!exists)
            return CheckResult.Broken(Name, $"there is no {path}", "start the inner half, or the server whose socket it is");
        int descriptor = NetworkNamespace.Own.OpenSocket(Libc.AF_UNIX, Libc.SOCK_STREAM, out _, out _);
        using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        Errno error = Libc.ErrorOf(Libc.Connect(descriptor, SockAddr.FromPath(path)));
        return error switch
        {
            Errno.None => DaemonSight.LookAtSocket(Name, patient, path) ?? CheckResult.Ok(Name, $"{path} takes connections"),
            Errno.ECONNREFUSED => CheckResult.Broken(Name, $"nobody listens on {path}", "start the inner half, or the server whose socket it is"),
            Errno.EACCES => CheckResult.Broken(Name, $"{path} may not be connected to by this user", "correct its mode or group (\"SocketMode\", \"SocketGroup\" of the inner half)"),
            _ => CheckResult.Broken(Name, $"{path} cannot be connected to: {error}", "look into the log of whoever listens there"),
        };
    }

    private static string Octal(int mode) => "0" + Convert.ToString(mode, 8).PadLeft(3, '0');
}
