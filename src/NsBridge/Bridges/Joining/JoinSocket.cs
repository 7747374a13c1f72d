using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>Serves a bridge's UNIX socket.</summary>
internal interface IJoinServer
{
    /// <summary>Whether another connection may be accepted.</summary>
    bool HasRoom { get; }

    /// <summary>A connection was accepted. On the listener's loop.</summary>
    /// <param name="descriptor">The connection; belongs to the callee.</param>
    /// <param name="name">What the other end claims to be.</param>
    void OnAccepted(int descriptor, JoinPeerName name);
}

/// <summary>An inner half's UNIX socket: the file and the listener behind it. On the bridge's home loop, except for <see
/// cref="IsInPlace"/>.</summary>
internal sealed class JoinSocket
{
    private readonly IJoinServer _server;
    private readonly BridgeSettings _settings;
    private readonly ListeningSockets _listening;
    private readonly DescriptorBudget _descriptors;
    private readonly EventLoop _home;
    private volatile UnixSocketFile _file;
    private JoinListener _listener;

    /// <exception cref="BridgeSetupException">It cannot be made.</exception>
    public JoinSocket(
        IJoinServer server,
        BridgeSettings settings,
        ListeningSockets listening,
        DescriptorBudget descriptors,
        EventLoop home)
    {
        _server = server;
        _settings = settings;
        _listening = listening;
        _descriptors = descriptors;
        _home = home;
        _file = MakeFile();
        _listener = ListenOn(_file);
    }

    /// <inheritdoc cref="IInnerHalf.SocketAddress"/>
    public SockAddr Address => _file.Address;

    /// <summary>Whether other processes find it at its path. Any thread may ask.</summary>
    public bool IsInPlace => _file.IsInPlace;

    private UnixSocketFile MakeFile() => _settings.Socket.Length == 0
        ? UnixSocketFile.CreatePrivate()
        : UnixSocketFile.Create(_settings.Socket, _settings.SocketMode, _settings.SocketGroup?.Id, _listening.Inherited);

    private JoinListener ListenOn(UnixSocketFile file) => new(_server, _home, file.Listener, _descriptors) { IsPrivate = file.IsPrivate };

    /// <summary>Begins to accept.</summary>
    /// <exception cref="BridgeSetupException">The kernel cannot watch it.</exception>
    public void Start()
    {
        _listener.Start();
        _listening.OnBound();
    }

    /// <inheritdoc cref="IInnerHalf.MakeSocketAnewAsync"/>
    public void MakeAnew()
    {
        UnixSocketFile file = MakeFile();
        JoinListener listener = ListenOn(file);
        try
        {
            listener.Start();
        }
        catch (BridgeSetupException)
        {
            // The file goes too: in its place it would pass for served.
            listener.Stop();
            file.Remove();
            throw;
        }
        _listener.AcceptWaiting();
        _listener.Stop();
        _file.Close();
        _file = file;
        _listener = listener;
        _listening.OnBound();
    }

    /// <summary>The listening socket, for the process's restart; it stays this one's.</summary>
    public IReadOnlyList<ListenerSnapshot> Listeners() => _listener.Listener >= 0 ? [_file.Carry(_listener.Listener)] : [];

    /// <summary>Stops listening and gives the socket to the inherited listeners. Repeated calls do nothing.</summary>
    public void Release()
    {
        int listener = _listener.Release();
        if (listener >= 0)
            _listening.Inherited.Keep(_file.Carry(listener));
    }

    /// <summary>Closes the file; <see cref="Address"/> is not valid any more.</summary>
    public void Close() => _file.Close();

    /// <summary>Accepts connections for an <see cref="IJoinServer"/>.</summary>
    private sealed class JoinListener(IJoinServer server, EventLoop loop, int listener, DescriptorBudget descriptors)
        : Acceptor(loop, listener, descriptors)
    {
        /// <summary>Whether only this process may connect.</summary>
        public bool IsPrivate { get; init; }

        protected override bool HasRoom => server.HasRoom;

        protected override void OnAccepted(int descriptor, in SockAddr peer)
        {
            if (IsPrivate && (Libc.PeerCredentials(descriptor, out int process, out _) < 0 || process != Environment.ProcessId))
                Libc.Close(descriptor);
            else
                server.OnAccepted(descriptor, JoinPeerName.Of(peer));
        }
    }
}
