using NsBridge.Linux.Interop;

namespace NsBridge.HotRestart;

/// <summary>
/// Listening sockets without a bridge: those that the process before has left, and those that a reload took from a bridge. A bridge that wants
/// to listen where one of them does goes on with it, and no client is refused in between. Any thread may call.
/// </summary>
internal sealed class InheritedListeners
{
    private readonly Lock _lock = new();
    private readonly List<ListenerSnapshot> _listeners = [];

    /// <summary>Takes a socket over that has no bridge any more.</summary>
    public void Keep(ListenerSnapshot listener)
    {
        lock (_lock)
            _listeners.Add(listener);
    }

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _listeners.Count;
        }
    }

    /// <summary>A socket that listens, or is bound, just so.</summary>
    /// <param name="type">SOCK_STREAM or SOCK_DGRAM.</param>
    /// <param name="cookie">The network namespace it has to belong to.</param>
    /// <param name="address">Where.</param>
    /// <param name="v6Only">For an IPv6 address: whether IPv4 clients come to others; null for IPv4.</param>
    /// <returns>The socket, now the caller's; -1 where there is none.</returns>
    public int TakeInternet(int type, ulong cookie, in SockAddr address, bool? v6Only)
    {
        lock (_lock)
        {
            for (int i = 0; i < _listeners.Count; i++)
            {
                int socket = _listeners[i].Descriptor;
                if (Libc.LocalAddress(socket, out SockAddr bound) < 0 || !bound.IsSame(address))
                    continue;
                if (!HasType(socket, type) || Libc.NetworkNamespaceCookie(socket) != cookie)
                    continue;
                if (v6Only is { } only && (Libc.GetOption(socket, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, out int value) < 0 || value != 0 != only))
                    continue;
                _listeners.RemoveAt(i);
                return socket;
            }
            return -1;
        }
    }

    /// <summary>A UNIX socket that listens, and whose file still lies at its path.</summary>
    /// <param name="path">Its place.</param>
    /// <param name="file">The number of the file that lies there.</param>
    /// <returns>The socket, now the caller's; -1 where there is none.</returns>
    public int TakeUnix(string path, ulong file)
    {
        lock (_lock)
        {
            int i = _listeners.FindIndex(listener => listener.Path == path && listener.File == file && HasType(listener.Descriptor, Libc.SOCK_STREAM));
            if (i < 0)
                return -1;
            int socket = _listeners[i].Descriptor;
            _listeners.RemoveAt(i);
            return socket;
        }
    }

    private static bool HasType(int socket, int type) =>
        Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_TYPE, out int own) >= 0 && own == type
        && (type == Libc.SOCK_DGRAM || (Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) >= 0 && listening == 1));

    /// <summary>Everything that is here; it stays here.</summary>
    public IReadOnlyList<ListenerSnapshot> All()
    {
        lock (_lock)
            return [.. _listeners];
    }

    /// <summary>Closes those that nobody will ask for, so that they stand in nobody's way; a UNIX socket's file goes with it.</summary>
    /// <param name="isWanted">Whether somebody will.</param>
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

    /// <summary>Forgets all that are here: they are another process's now.</summary>
    public void Forget()
    {
        lock (_lock)
            _listeners.Clear();
    }

    /// <summary>Closes all that are left.</summary>
    public void CloseRest() => CloseAllBut(_ => false);

    private static void Close(ListenerSnapshot listener)
    {
        Libc.Close(listener.Descriptor);
        if (listener.Path.Length == 0)
            return;
        byte[] path = Libc.PathBytes(listener.Path);
        if (Libc.LinkStatus(path, out FileStatus status) >= 0 && status.IsSocket && status.Inode == listener.File)
            Libc.Unlink(path);
    }
}
