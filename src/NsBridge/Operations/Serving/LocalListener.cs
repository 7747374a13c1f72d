using System.Net.Sockets;
using NsBridge.CommandLine;
using NsBridge.Linux.Interop;

namespace NsBridge.Operations.Serving;

/// <summary>Listens on a UNIX socket's path, and takes over what a killed daemon left there.</summary>
internal static class LocalListener
{
    private const int Backlog = 256;

    /// <summary>Binds and listens; the file has <paramref name="mode"/> from the first moment, less the umask.</summary>
    /// <param name="path">An absolute path of at most 107 bytes.</param>
    /// <param name="mode">The file's permissions.</param>
    /// <param name="purpose">What it is for, for messages.</param>
    /// <exception cref="UserFault">Something is there that is in use or is no socket, or the directory does not let us.</exception>
    public static Socket Open(string path, uint mode, string purpose)
    {
        RemoveStale(path, purpose);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            Libc.ChangeMode((int)socket.Handle, mode);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw Fault(path, purpose, exception);
        }
    }

    private static void RemoveStale(string path, string purpose)
    {
        var name = Libc.PathBytes(path);
        // The link itself is looked at, never what it leads to: the file may lie where others can write.
        if (Libc.LinkStatus(name, out var status) < 0)
            return;
        if (!status.IsSocket)
            throw new UserFault($"cannot listen on {path} for {purpose}: a file is there that is no socket; remove it or choose another path", ExitCode.Failed);
        if (status.User != Libc.EffectiveUser())
            throw new UserFault($"cannot listen on {path} for {purpose}: the socket there belongs to user {status.User}; remove it or choose another path", ExitCode.Failed);
        if (IsAlive(path))
            throw new UserFault($"cannot listen on {path} for {purpose}: another program listens there", ExitCode.Failed);
        Libc.Unlink(name);
    }

    private static bool IsAlive(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException exception)
        {
            // A full backlog (EAGAIN) is somebody's too; only a socket without a listener is free.
            return exception.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }

    private static UserFault Fault(string path, string purpose, SocketException exception)
    {
        var (why, code) = exception.SocketErrorCode switch
        {
            SocketError.AccessDenied => ($"permission denied; this user must be able to write in {Path.GetDirectoryName(path)}", ExitCode.Privilege),
            SocketError.AddressAlreadyInUse => ("another program has just taken it", ExitCode.Failed),
            SocketError.AddressNotAvailable => ($"{Path.GetDirectoryName(path)} does not exist", ExitCode.Failed),
            _ => (exception.Message, ExitCode.Failed),
        };
        return new UserFault($"cannot listen on {path} for {purpose}: {why}", code);
    }
}
