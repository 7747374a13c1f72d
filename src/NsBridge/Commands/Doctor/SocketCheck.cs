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

    /// <summary>Can the socket be there at all? Checked first: without it the daemon does not even listen.</summary>
    public static CheckResult? ProbePlace(InspectedBridge bridge)
    {
        string path = bridge.Settings.Socket;
        Errno error = Libc.ErrorOf(Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status));
        if (error == Errno.EACCES)
            return CheckResult.Unknown(Name, $"{path} may not be seen by this user", bridge.AsRoot);
        if (error == Errno.None)
        {
            return status.IsSocket ? null : CheckResult.Broken(
                Name,
                $"{path} is {(status.IsSymbolicLink ? "a link" : "no socket")}, and the daemon never replaces what it did not make",
                $"rm {Cures.Quoted(path)}  # or choose another \"Socket\"");
        }
        // The daemon makes the runtime directory itself.
        string directory = Path.GetDirectoryName(path)!;
        return bridge.Settings.Namespace is null || directory == bridge.RuntimeDirectory || Directory.Exists(directory)
            ? null
            : CheckResult.Broken(
                Name,
                $"there is no directory {directory} for {path}",
                $"mkdir -p {Cures.Quoted(directory)}  # the daemon's user must be able to write in it; or choose another \"Socket\"");
    }

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        BridgeSettings settings = bridge.Settings;
        string path = settings.Socket;
        Errno error = Libc.ErrorOf(Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status));
        if (error == Errno.EACCES)
            return null;
        if (settings.Namespace is null)
            return ProbeOther(bridge, path, error == Errno.None);
        if (!bridge.IsUp)
            return null;
        if (error != Errno.None)
        {
            // Its service may hide the folder from others (PrivateTmp=); clients of "Listen" are served either way.
            string finding = $"{path} is not there, though the daemon serves it: it was removed, or only the daemon sees it (PrivateTmp=)";
            return settings.Listen.Count > 0 && !path.StartsWith(bridge.RuntimeDirectory + "/", StringComparison.Ordinal)
                ? CheckResult.Note(Name, finding)
                : CheckResult.Broken(Name, finding, $"{Cures.Restart}  # if that does not help, choose a \"Socket\" below /run/nsbridge");
        }
        int mode = status.Mode & Permissions;
        if (mode != settings.SocketMode)
        {
            return CheckResult.Broken(
                Name,
                $"{path} has mode {Octal(mode)}, but \"SocketMode\" is {Octal(settings.SocketMode)}",
                $"chmod {Octal(settings.SocketMode)} {Cures.Quoted(path)}  # or correct \"SocketMode\"");
        }
        if (settings.SocketGroup is { } group && status.Group != group.Id)
        {
            return CheckResult.Broken(
                Name,
                $"{path} belongs to group {status.Group}, but \"SocketGroup\" is {settings.SocketGroup}",
                $"chgrp {settings.SocketGroup} {Cures.Quoted(path)}");
        }
        return CheckResult.Ok(Name, $"{path} is there, mode {Octal(mode)}");
    }

    /// <summary>An outer half alone: the socket is another daemon's, or any server's.</summary>
    private static CheckResult ProbeOther(InspectedBridge bridge, string path, bool exists)
    {
        const string Start = "start the inner half, or the server whose socket it is";
        if (!exists)
            return CheckResult.Broken(Name, $"there is no {path}", Start);
        int descriptor = NetworkNamespace.Own.OpenSocket(Libc.AF_UNIX, Libc.SOCK_STREAM, out _, out _);
        using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        Errno error = Libc.ErrorOf(Libc.Connect(descriptor, SockAddr.FromPath(path)));
        return error switch
        {
            Errno.None => CheckResult.Ok(Name, $"{path} takes connections"),
            Errno.ECONNREFUSED => CheckResult.Broken(Name, $"nothing listens on {path}", Start),
            Errno.EACCES => CheckResult.Unknown(Name, $"{path} may not be connected to by this user", bridge.AsRoot),
            _ => CheckResult.Broken(Name, $"{path} cannot be connected to: {error}", "look into the log of the process that listens there"),
        };
    }

    private static string Octal(int mode) => "0" + Convert.ToString(mode, 8).PadLeft(3, '0');
}
