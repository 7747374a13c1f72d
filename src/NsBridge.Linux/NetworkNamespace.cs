using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>A reference to a network namespace: its file, a process in it, or the daemon's own. The one place that enters
/// namespaces.</summary>
/// <remarks>Nothing of the namespace is held: each batch of sockets opens it again, because an open file of it, or a thread in it, would
/// keep a deleted namespace alive. The calling thread is inside for the socket(2) calls alone. A thread that the runtime starts meanwhile
/// would stay inside for ever, so the calls between enter and leave are bare system calls without a garbage collection transition: no
/// managed code runs between them, and the caller is a dedicated thread, never one of the pool.</remarks>
public sealed class NetworkNamespace
{
    // Open for the life of the process, which is in it anyway.
    private static readonly int s_home = OpenHome();

    private readonly byte[]? _path;
    private readonly SafeHandle? _process;

    private NetworkNamespace(string description, byte[]? path, SafeHandle? process)
    {
        Description = description;
        _path = path;
        _process = process;
    }

    /// <summary>The namespace this process runs in: nothing is entered.</summary>
    public static NetworkNamespace Own { get; } = new("the daemon's own", null, null);

    /// <summary>The cookie of <see cref="Own"/>, different from that of every other namespace.</summary>
    public static ulong OwnCookie { get; } = ReadOwnCookie();

    /// <summary>Whether this process could come back from another namespace, and so may enter one at all; tested once, at home. It needs
    /// CAP_SYS_ADMIN also in the user namespace that owns its own network: in <c>podman unshare</c> it could enter its user's namespaces
    /// but not come back.</summary>
    public static bool MayReturn { get; } = Libc.SetNetworkNamespace(s_home) >= 0;

    /// <summary>The path or the process, for messages.</summary>
    public string Description { get; }

    /// <summary>Whether this is <see cref="Own"/>.</summary>
    public bool IsOwn => ReferenceEquals(this, Own);

    /// <summary>The namespace whose file is, at the time of each use, at <paramref name="path"/>.</summary>
    public static NetworkNamespace AtPath(string path) => new(path, Libc.PathBytes(path), null);

    /// <summary>The namespace at <paramref name="path"/>, called <paramref name="description"/> in messages.</summary>
    public static NetworkNamespace AtPath(string path, string description) => new(description, Libc.PathBytes(path), null);

    /// <summary>The namespace of a process. The caller owns the pidfd and may close it at any time: a use under way ends first, and from
    /// then on the process counts as ended.</summary>
    public static NetworkNamespace OfProcess(SafeHandle pidFd, string description) => new(description, null, pidFd);

    /// <summary>The namespace of the process that makes <paramref name="sockets"/>. Nothing is entered.</summary>
    public static NetworkNamespace Through(SocketMaker sockets, string description) => new(description, null, null) { Maker = sockets };

    /// <summary>The process that leads to it; 0 if none does, negative if it has ended.</summary>
    public int Process
    {
        get
        {
            if (_process is null)
                return 0;
            try
            {
                string file = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{_process.DangerousGetHandle()}");
                string line = File.ReadLines(file).First(line => line.StartsWith("Pid:", StringComparison.Ordinal));
                return int.Parse(line["Pid:".Length..], CultureInfo.InvariantCulture);
            }
            catch (Exception fault) when (fault is IOException or InvalidOperationException)
            {
                // Its owner has closed it.
                return -1;
            }
        }
    }

    private SocketMaker? Maker { get; init; }

    /// <summary>Makes one socket of the namespace.</summary>
    /// <param name="domain">AF_…</param>
    /// <param name="type">SOCK_…; non-blocking and close-on-exec are added.</param>
    /// <param name="cookie">The namespace's cookie, read from the socket.</param>
    /// <param name="failure">The step that failed and its error.</param>
    /// <param name="protocol">The protocol if the domain has several; 0 for its default.</param>
    /// <returns>The socket, or -1.</returns>
    public int OpenSocket(int domain, int type, out ulong cookie, out EnterFailure failure, int protocol = 0)
    {
        Span<int> one = stackalloc int[1];
        return OpenSockets(domain, type, one, out cookie, out failure, protocol) == 1 ? one[0] : -1;
    }

    /// <summary>Makes as many sockets of the namespace as <paramref name="sockets"/> has room for, entering it once.</summary>
    /// <returns>How many were made; fewer than asked for if one failed with <paramref name="failure"/>.</returns>
    /// <inheritdoc cref="OpenSocket"/>
    public int OpenSockets(int domain, int type, Span<int> sockets, out ulong cookie, out EnterFailure failure, int protocol = 0)
    {
        int count = IsOwn
            ? MakeSockets(domain, type, protocol, sockets, out failure)
            : Maker is { } maker ? maker.OpenSockets(domain, type, protocol, sockets, out failure)
            : EnterAndMakeSockets(domain, type, protocol, sockets, out failure);
        cookie = count > 0 ? Libc.NetworkNamespaceCookie(sockets[0]) : 0;
        // A reference that leads home is refused: nothing meant for a namespace may reach the host. Without cookies the kernel cannot
        // distinguish namespaces, and nothing is dialled.
        if (count > 0 && !IsOwn && (cookie == 0 || cookie == OwnCookie))
        {
            foreach (int socket in sockets[..count])
                Libc.Close(socket);
            failure = new EnterFailure(EnterStep.OwnNamespace, cookie == 0 ? Errno.ENOPROTOOPT : Errno.None);
            return 0;
        }
        return count;
    }

    /// <summary>Reads a setting of the namespace, such as <c>net.ipv4.ip_local_port_range</c>; null if it cannot be read.</summary>
    /// <remarks>Opened inside and read outside: a file of /proc/sys/net belongs to the network of the thread that opens it.</remarks>
    public string? ReadSetting(string name)
    {
        byte[] path = Libc.PathBytes($"/proc/sys/{name.Replace('.', '/')}");
        int file = IsOwn ? Libc.Open(path, Libc.O_RDONLY) : OpenInside(path);
        if (file < 0)
            return null;
        using var reader = new StreamReader(new FileStream(new SafeFileHandle(file, ownsHandle: true), FileAccess.Read));
        return reader.ReadToEnd().Trim().Replace('\t', ' ');
    }

    private int OpenInside(byte[] path)
    {
        int place = _path is null || !MayReturn ? -1 : Libc.Open(_path, Libc.O_RDONLY | Libc.O_NONBLOCK);
        int file = -1;
        if (place >= 0 && Libc.SetNetworkNamespace(place) >= 0)
        {
            file = Libc.Open(path, Libc.O_RDONLY);
            int left = Libc.SetNetworkNamespace(s_home);
            if (left < 0)
                Environment.FailFast($"cannot leave network namespace {Description}: {Libc.ErrorOf(left)}");
        }
        Libc.Close(place);
        return file;
    }

    private int EnterAndMakeSockets(int domain, int type, int protocol, Span<int> sockets, out EnterFailure failure)
    {
        if (_path is null)
            return EnterProcess(domain, type, protocol, sockets, out failure);
        int file = Libc.Open(_path, Libc.O_RDONLY | Libc.O_NONBLOCK);
        if (file < 0)
        {
            // A file that is no namespace gets the error that setns(2) would give.
            failure = Libc.ErrorOf(file) == Errno.EACCES && PathType(out _) != Libc.NSFS_MAGIC
                ? new EnterFailure(EnterStep.Enter, Errno.EINVAL)
                : new EnterFailure(EnterStep.Open, Libc.ErrorOf(file));
            return 0;
        }
        int count = MakeSocketsInside(file, domain, type, protocol, sockets, out failure);
        Libc.Close(file);
        return count;
    }

    private int EnterProcess(int domain, int type, int protocol, Span<int> sockets, out EnterFailure failure)
    {
        bool held = false;
        try
        {
            // A descriptor closed while in use could be another file's number by then.
            _process!.DangerousAddRef(ref held);
            return MakeSocketsInside((int)_process.DangerousGetHandle(), domain, type, protocol, sockets, out failure);
        }
        catch (ObjectDisposedException)
        {
            failure = new EnterFailure(EnterStep.Open, Errno.ESRCH);
            return 0;
        }
        finally
        {
            if (held)
                _process!.DangerousRelease();
        }
    }

    private int MakeSocketsInside(int file, int domain, int type, int protocol, Span<int> sockets, out EnterFailure failure)
    {
        int count = 0;
        int entered = MayReturn ? Libc.SetNetworkNamespace(file) : -(int)Errno.EPERM;
        if (entered >= 0)
        {
            count = MakeSockets(domain, type, protocol, sockets, out failure);
            int left = Libc.SetNetworkNamespace(s_home);
            if (left < 0)
                Environment.FailFast($"cannot leave network namespace {Description}: {Libc.ErrorOf(left)}");
        }
        else
        {
            failure = new EnterFailure(EnterStep.Enter, Libc.ErrorOf(entered));
        }
        return count;
    }

    internal static int MakeSockets(int domain, int type, int protocol, Span<int> sockets, out EnterFailure failure)
    {
        failure = default;
        for (int i = 0; i < sockets.Length; i++)
        {
            int socket = Libc.Socket(domain, type, protocol);
            if (socket < 0)
            {
                failure = new EnterFailure(EnterStep.Socket, Libc.ErrorOf(socket));
                return i;
            }
            sockets[i] = socket;
        }
        return sockets.Length;
    }

    /// <summary>What failed, on what, why, and the cure.</summary>
    public string Explain(EnterFailure failure)
    {
        string what = $"cannot enter network namespace {Description}: ";
        return failure switch
        {
            (EnterStep.Open, Errno.ENOENT) => $"network namespace {Description} does not exist",
            (EnterStep.Open, Errno.ESRCH) or (EnterStep.Enter, Errno.ESRCH) => $"{Description} has ended",
            (EnterStep.Open, Errno.EACCES) when _path.AsSpan().StartsWith("/proc/"u8) =>
                what + "EACCES - may not open it; needs CAP_SYS_PTRACE for another user's process",
            (EnterStep.Open, Errno.EACCES) => what + "EACCES - may not open it; needs permission on the path",
            (EnterStep.Enter, Errno.EINVAL) => what + ExplainInvalid(),
            (EnterStep.Enter, Errno.EPERM) when !OwnCapabilities.MayAdminister =>
                what + "EPERM - needs CAP_SYS_ADMIN: run nsbridge as root or by its systemd service"
                + (_process is null ? "" : "; 'nsbridge expose' reaches a process in a user namespace of yours"),
            (EnterStep.Enter, Errno.EPERM) when !MayReturn =>
                what + "EPERM - needs CAP_SYS_ADMIN, also in the user namespace that owns this process's own network: " +
                "it could not come back",
            (EnterStep.Enter, Errno.EPERM) when _path is null => what + "EPERM - needs CAP_SYS_ADMIN and CAP_SYS_PTRACE",
            (EnterStep.Enter, Errno.EPERM) => what + "EPERM - needs CAP_SYS_ADMIN, also in the user namespace that owns it",
            (EnterStep.OwnNamespace, Errno.None) when _path is null =>
                $"{Description} runs in the daemon's own network namespace; write \"host\" if that is meant",
            (EnterStep.OwnNamespace, Errno.None) =>
                $"network namespace {Description} is the daemon's own; write \"host\" if that is meant",
            (EnterStep.OwnNamespace, _) => "the kernel cannot tell network namespaces apart (SO_NETNS_COOKIE); needs Linux 5.14 or later",
            _ => what + failure.Error,
        };
    }

    /// <summary>The file at the path; O_PATH needs no permission on the file itself.</summary>
    /// <returns>The magic number of its file system; NSFS_MAGIC also if it cannot be opened, or there is no path.</returns>
    private long PathType(out FileStatus status)
    {
        status = default;
        int file = _path is null ? -1 : Libc.Open(_path, Libc.O_PATH);
        long type = file < 0 ? Libc.NSFS_MAGIC : Libc.FileSystemType(file);
        if (file >= 0)
            Libc.Status(file, out status);
        Libc.Close(file);
        return type;
    }

    private string ExplainInvalid()
    {
        long type = PathType(out FileStatus status);
        return "EINVAL - it is " + status switch
        {
            _ when type == Libc.NSFS_MAGIC => "a namespace of another kind",
            { IsDirectory: true } => "a directory, not a namespace",
            { IsRegular: true } =>
                "a plain file, not a namespace: just being made, or mounted where this process cannot see it (mount propagation)",
            _ => "not a namespace's file",
        };
    }

    private static int OpenHome()
    {
        int home = Libc.Open("/proc/thread-self/ns/net\0"u8, Libc.O_RDONLY);
        return home >= 0 ? home
            : throw new InvalidOperationException($"cannot open /proc/thread-self/ns/net: {Libc.ErrorOf(home)}; is /proc mounted?");
    }

    private static ulong ReadOwnCookie()
    {
        int socket = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        ulong cookie = Libc.NetworkNamespaceCookie(socket);
        Libc.Close(socket);
        return cookie;
    }
}

/// <summary>The steps to a socket of another network namespace, in order.</summary>
public enum EnterStep
{
    /// <summary>Nothing failed.</summary>
    None,

    /// <summary>Opening the namespace's file.</summary>
    Open,

    /// <summary>setns(2) into it.</summary>
    Enter,

    /// <summary>socket(2) inside.</summary>
    Socket,

    /// <summary>The namespace that was entered is the daemon's own.</summary>
    OwnNamespace,
}

/// <summary>Why no socket of a network namespace could be made: the step and its error.</summary>
public readonly record struct EnterFailure(EnterStep Step, Errno Error)
{
    /// <summary>Whether the namespace does not exist (yet): a state to wait in, not a fault.</summary>
    /// <remarks>EINVAL belongs here: between the creation of the file and the mount over it, `ip netns add` shows a plain empty file.
    /// ESRCH: the process of the namespace has ended.</remarks>
    public bool IsAbsent => (Step, Error) is
        (EnterStep.Open, Errno.ENOENT or Errno.ENOTDIR or Errno.ESRCH) or (EnterStep.Enter, Errno.EINVAL or Errno.ESRCH or Errno.ENOENT);

    /// <summary>Whether this process lacks the permission to enter.</summary>
    public bool LacksPrivilege => (Step, Error) is (EnterStep.Open, Errno.EACCES or Errno.EPERM) or (EnterStep.Enter, Errno.EPERM);

    /// <summary>Whether descriptors or memory are exhausted: to be retried.</summary>
    public bool IsExhaustion => Error is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.ENOBUFS;
}
