using System.Globalization;
using System.Text;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Listening;

/// <summary>A listening UNIX socket and its file.</summary>
/// <remarks>The socket is bound under a random name without permissions for others, gets its group and mode, and is then renamed to its
/// place: it has them from the first moment it can be found. A file in that place is replaced only if it is a dead socket of the same
/// user; a link, another kind of file, another user's socket or a served one stays, and the error names it.</remarks>
internal sealed class UnixSocketFile
{
    private const int Backlog = 4096;
    private const uint OwnerOnly = 0b110_000_000;

    private const string GroupFault = "cannot give it to group";

    private readonly string _path;
    private readonly byte[] _pathBytes;
    private readonly FileStatus _status;
    private int _file = -1;

    private UnixSocketFile(int listener, SockAddr address)
    {
        (_path, _pathBytes) = ("", []);
        Listener = listener;
        Address = address;
    }

    private UnixSocketFile(string path, int listener, int file, FileStatus status)
    {
        _path = path;
        _pathBytes = Libc.PathBytes(path);
        _file = file;
        _status = status;
        Listener = listener;
        Address = SockAddr.FromPath(NameOf(file));
    }

    /// <summary>The listening socket; the caller closes it.</summary>
    public int Listener { get; }

    /// <summary>Leads to this socket whatever becomes of its path: through the file itself, which this process holds open. Other processes
    /// cannot use it.</summary>
    public SockAddr Address { get; }

    /// <summary>Whether there is no file: this process alone may use the socket, and nothing of it outlives the process.</summary>
    public bool IsPrivate => _path.Length == 0;

    /// <summary>Whether the file still lies at its path. While it is open no other file gets its inode number.</summary>
    public bool IsInPlace => IsPrivate || Libc.LinkStatus(_pathBytes, out FileStatus now) >= 0 && now.IsSameFile(_status);

    /// <summary>Makes a private socket, with a random name in the abstract name space. The one that accepts has to close what other
    /// processes connect.</summary>
    /// <exception cref="BridgeSetupException">It cannot be made.</exception>
    public static UnixSocketFile CreatePrivate()
    {
        const string What = "the private UNIX socket";
        SockAddr address = SockAddr.FromAbstract(Encoding.ASCII.GetBytes("nsbridge-" + Random.Shared.GetHexString(16, lowercase: true)));
        int listener = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        try
        {
            Check(listener, What, "cannot make it");
            Check(Libc.Bind(listener, address), What, "cannot name it");
            Check(Libc.Listen(listener, Backlog), What, "cannot listen on it");
            return new UnixSocketFile(listener, address);
        }
        catch
        {
            Libc.Close(listener);
            throw;
        }
    }

    /// <summary>Makes the socket and its file.</summary>
    /// <param name="path">A full path of at most 107 bytes.</param>
    /// <param name="mode">The file's permissions.</param>
    /// <param name="group">The file's group; null leaves the daemon's own.</param>
    /// <param name="kept">May have the socket already, with clients in its backlog.</param>
    /// <exception cref="BridgeSetupException">It cannot be made.</exception>
    public static UnixSocketFile Create(string path, int mode, uint? group, InheritedListeners? kept = null)
    {
        string directory = Path.GetDirectoryName(path)!;
        int at = Libc.Open(Libc.PathBytes(directory), Libc.O_PATH | Libc.O_DIRECTORY);
        if (at < 0)
            throw Fault(path, $"cannot open its directory {directory}", at);
        int listener = -1;
        int file = -1;
        byte[] hidden = Libc.PathBytes("." + Random.Shared.GetHexString(16, lowercase: true));
        byte[] name = Libc.PathBytes(Path.GetFileName(path));
        bool bound = false;
        bool isKept = false;
        FileStatus status = default;
        try
        {
            listener = TakeKept(path, name, at, kept, out file, out status);
            if (listener >= 0)
            {
                isKept = true;
                // SO_PEERCRED shows the process that called listen(2) last.
                Check(Libc.Listen(listener, Backlog), path, "cannot listen on it");
                return new UnixSocketFile(path, listener, file, SetAccess(path, file, mode, group));
            }
            RefuseWhatIsNotOurs(path, name, at);
            listener = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
            Check(listener, path, "cannot make a socket");
            Check(Libc.ChangeMode(listener, OwnerOnly), path, "cannot set the socket's mode");
            // Through the directory's descriptor: it stays the directory that was checked, and the length of its path does not count.
            string alias = $"{NameOf(at)}/{TextOf(hidden)}";
            Check(Libc.Bind(listener, SockAddr.FromPath(alias)), path, "cannot make it");
            bound = true;
            Check(Libc.Listen(listener, Backlog), path, "cannot listen on it");
            file = Libc.Open(hidden, Libc.O_PATH | Libc.O_NOFOLLOW, at);
            Check(file, path, "cannot open it");
            status = SetAccess(path, file, mode, group);
            Check(Libc.Rename(at, hidden, name), path, "cannot put it in its place");
            return new UnixSocketFile(path, listener, file, status);
        }
        catch
        {
            if (bound)
                Libc.Unlink(hidden, at);
            // InheritedListeners knows its file and removes it with the socket.
            if (isKept)
                kept!.Keep(new ListenerSnapshot(listener, path, status.Inode));
            else
                Libc.Close(listener);
            Libc.Close(file);
            throw;
        }
        finally
        {
            Libc.Close(at);
        }
    }

    private static int TakeKept(string path, byte[] name, int at, InheritedListeners? kept, out int file, out FileStatus status)
    {
        status = default;
        file = kept is null ? -1 : Libc.Open(name, Libc.O_PATH | Libc.O_NOFOLLOW, at);
        if (file < 0)
            return -1;
        bool isOurs = Libc.Status(file, out status) >= 0 && status.IsSocket && status.User == Libc.EffectiveUser();
        int listener = isOurs ? kept!.TakeUnix(path, status.Inode) : -1;
        if (listener < 0)
        {
            Libc.Close(file);
            file = -1;
        }
        return listener;
    }

    private static FileStatus SetAccess(string path, int file, int mode, uint? group)
    {
        Check(Libc.Status(file, out FileStatus status), path, "cannot look at it");
        if (!status.IsSocket)
            throw Unusable($"{path} was replaced while it was made; does another process write to its directory?");
        byte[] alias = Libc.PathBytes(NameOf(file));
        if (group is { } id)
            Check(Libc.ChangeGroup(alias, id), path, $"{GroupFault} {id} (the daemon has to be a member)");
        Check(Libc.ChangeMode(alias, (uint)mode), path, "cannot set its mode");
        return status;
    }

    /// <summary>A path that leads to an open file.</summary>
    private static string NameOf(int file) => string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file}");

    private static void RefuseWhatIsNotOurs(string path, byte[] name, int at)
    {
        int result = Libc.LinkStatus(name, out FileStatus status, at);
        if (result == -(int)Errno.ENOENT)
            return;
        Check(result, path, "cannot look at what is there");
        if (status.IsSymbolicLink)
            throw Unusable($"{path} is a symbolic link; it is not followed. Remove it or choose another Socket");
        if (!status.IsSocket)
            throw Unusable($"{path} exists and is not a socket; it is left alone. Remove it or choose another Socket");
        if (status.User != Libc.EffectiveUser())
            throw Unusable(
                $"{path} is a socket of user {status.User}, not the daemon's; it is left alone. Remove it or choose another Socket");
        int connected = SocketProbe.Ask(SockAddr.FromPath(path), out int process);
        if (connected != -(int)Errno.ECONNREFUSED && connected != -(int)Errno.ENOENT)
            throw Unusable(connected >= 0
                ? $"{path} is served by process {process}; it is left alone. Stop that or choose another Socket"
                : $"{path} is a socket that may be in use ({Libc.ErrorOf(connected)}); it is left alone");
    }

    private static string TextOf(byte[] zeroTerminated) => Encoding.UTF8.GetString(zeroTerminated.AsSpan()[..^1]);

    private static void Check(int result, string path, string what)
    {
        if (result < 0)
            throw Fault(path, what, result);
    }

    private static BridgeSetupException Unusable(string message) => new(ReasonCode.SocketUnavailable, message);

    private static BridgeSetupException Fault(string path, string what, int result)
    {
        Errno error = Libc.ErrorOf(result);
        return new BridgeSetupException(
            error switch
            {
                Errno.EROFS => ReasonCode.SocketReadOnly,
                Errno.EPERM or Errno.EACCES when what.StartsWith(GroupFault, StringComparison.Ordinal) => ReasonCode.SocketGroupForbidden,
                Errno.EPERM or Errno.EACCES => ReasonCode.SocketForbidden,
                _ => StateReason.Shortage(error, ReasonCode.SocketUnavailable),
            },
            $"{path}: {what}: {error}");
    }

    /// <summary>The socket with its file, for the next owner.</summary>
    public ListenerSnapshot Carry(int listener) => new(listener, _path, _status.Inode);

    /// <summary>Removes the file if it is still the one that was made, and closes it.</summary>
    public void Remove()
    {
        if (IsInPlace)
            Libc.Unlink(_pathBytes);
        Close();
    }

    /// <summary>Closes the file, which stays in its place. Repeated calls do nothing.</summary>
    public void Close()
    {
        Libc.Close(_file);
        _file = -1;
    }
}
