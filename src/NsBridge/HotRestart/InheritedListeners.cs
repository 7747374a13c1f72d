using NsBridge.Linux.Interop;

namespace NsBridge.HotRestart;

/// <summary>Listening sockets without a bridge: from the previous process, or from a bridge that a reload released. A bridge that listens
/// at the same address takes the socket over, and no client is refused in between. Any thread may call.</summary>
internal sealed class InheritedListeners
{
    private readonly Lock _lock = new();
    private readonly List<ListenerSnapshot> _listeners = [];

    /// <summary>Becomes the owner of a socket without a bridge.</summary>
    public void Keep(ListenerSnapshot listener)
    {
        lock (_lock)
            _listeners.Add(listener);
    }

    public int Count
    {
        get
        {
            lock (_lock)
                return _listeners.Count;
        }
    }

    /// <summary>Takes the socket that listens, or is bound, exactly so.</summary>
    /// <param name="type">SOCK_STREAM or SOCK_DGRAM.</param>
    /// <param name="cookie">The network namespace it has to belong to.</param>
    /// <param name="address">Its address.</param>
    /// <param name="v6Only">Whether an IPv6 socket refuses IPv4 clients; null for IPv4.</param>
    /// <returns>The socket, now the caller's; -1 if there is none.</returns>
    public int TakeInternet(int type, ulong cookie, in SockAddr address, bool? v6Only)
    {
        SockAddr wanted = address;
        return Take(listener => Libc.LocalAddress(listener.Descriptor, out SockAddr bound) >= 0 && bound.IsSame(wanted)
            && HasType(listener.Descriptor, type) && Libc.NetworkNamespaceCookie(listener.Descriptor) == cookie
            && (v6Only is not { } only
                || (Libc.GetOption(listener.Descriptor, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, out int v6) >= 0 && v6 != 0 == only)));
    }

    /// <summary>Takes the listening UNIX socket whose file is at its path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="file">The inode of the file there.</param>
    /// <returns>The socket, now the caller's; -1 if there is none.</returns>
    public int TakeUnix(string path, ulong file) =>
        Take(listener => listener.Path == path && listener.File == file && IsUnix(listener.Descriptor));

    private int Take(Predicate<ListenerSnapshot> fits)
    {
        lock (_lock)
        {
            int i = _listeners.FindIndex(fits);
            if (i < 0)
                return -1;
            int socket = _listeners[i].Descriptor;
            _listeners.RemoveAt(i);
            return socket;
        }
    }

    private static bool HasType(int socket, int type) =>
        Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_TYPE, out int own) >= 0 && own == type
        && (type == Libc.SOCK_DGRAM
            || (Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) >= 0 && listening == 1));

    /// <summary>Whether it is a listening UNIX socket that nsbridge bound: by a hidden name, and then renamed.</summary>
    private static bool IsUnix(int socket) =>
        HasType(socket, Libc.SOCK_STREAM) && Libc.LocalAddress(socket, out SockAddr bound) >= 0 && bound.Family == Libc.AF_UNIX
        && Path.GetFileName(bound.ToString()).StartsWith('.');

    /// <summary>All of them; they stay here.</summary>
    public IReadOnlyList<ListenerSnapshot> All()
    {
        lock (_lock)
            return [.. _listeners];
    }

    /// <summary>Closes unwanted sockets, which would block an address; the file of a UNIX socket is removed.</summary>
    /// <returns>How many were closed.</returns>
    public int CloseAllBut(Func<ListenerSnapshot, bool> isWanted)
    {
        lock (_lock)
        {
            return _listeners.RemoveAll(listener =>
            {
                bool stays = isWanted(listener);
                if (!stays)
                    Close(listener);
                return !stays;
            });
        }
    }

    /// <summary>Forgets all: another process owns them now.</summary>
    public void Forget()
    {
        lock (_lock)
            _listeners.Clear();
    }

    /// <summary>Closes all that are left.</summary>
    public void CloseRest() => CloseAllBut(_ => false);

    /// <summary>Removes the file only if it is this user's socket with the recorded inode, and nsbridge bound the descriptor.</summary>
    private static void Close(ListenerSnapshot listener)
    {
        byte[] path = Libc.PathBytes(listener.Path);
        bool isOurs = listener.Path.Length > 0 && IsUnix(listener.Descriptor) && Libc.LinkStatus(path, out FileStatus status) >= 0
            && status.IsSocket && status.Inode == listener.File && status.User == Libc.EffectiveUser();
        Libc.Close(listener.Descriptor);
        if (isOurs)
            Libc.Unlink(path);
    }
}
