using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Joining;

/// <summary>An inner half's UNIX socket: the file and the listener behind it. On the bridge's home loop, but for <see cref="IsInPlace"/>.</summary>
internal sealed class JoinSocket
{
    private readonly IJoinServer _door;
    private readonly BridgeSettings _settings;
    private readonly LoopGroup _engine;
    private readonly EventLoop _home;
    private readonly bool _hasRoomAlready;
    private volatile UnixSocketFile _file;
    private JoinListener _listener;

    /// <param name="door">Who is behind it.</param>
    /// <param name="settings">Say where, and for whom.</param>
    /// <param name="engine">What all bridges share.</param>
    /// <param name="home">The loop it lives on.</param>
    /// <param name="hasRoomAlready">Whether this process has let those in who come, with room for this leg too.</param>
    /// <exception cref="BridgeSetupException">It cannot be had.</exception>
    public JoinSocket(IJoinServer door, BridgeSettings settings, LoopGroup engine, EventLoop home, bool hasRoomAlready)
    {
        _door = door;
        _settings = settings;
        _engine = engine;
        _home = home;
        _hasRoomAlready = hasRoomAlready;
        _file = MakeFile();
        _listener = ListenOn(_file);
    }

    /// <summary>Where an outer half of this process finds it, whatever lies at its path.</summary>
    public SockAddr Address => _file.Address;

    /// <summary>Whether others find it at its path. Any thread may ask.</summary>
    public bool IsInPlace => _file.IsInPlace;

    private UnixSocketFile MakeFile() => UnixSocketFile.Create(_settings.Socket, _settings.SocketMode, _settings.SocketGroup?.Id, _engine.Kept);

    private JoinListener ListenOn(UnixSocketFile file) => new(_door, _home, file.Listener, _engine.Descriptors, _hasRoomAlready);

    /// <summary>Begins to accept.</summary>
    /// <exception cref="BridgeSetupException">The kernel cannot watch it.</exception>
    public void Start()
    {
        _listener.Start();
        _engine.OnBound();
    }

    /// <summary>Puts another socket in its place, whose file was removed or replaced. Connections go on.</summary>
    /// <exception cref="BridgeSetupException">It cannot be had; what there is goes on, for those who have it.</exception>
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
            // Its file goes too: what is in its place would pass for served.
            listener.Stop();
            file.Remove();
            throw;
        }
        _listener.AcceptWaiting();
        _listener.Stop();
        _file.Close();
        _file = file;
        _listener = listener;
        _engine.OnBound();
    }

    /// <summary>What it listens on; stays its own.</summary>
    public IReadOnlyList<ListenerSnapshot> Listeners() => _listener.Listener >= 0 ? [_file.Carry(_listener.Listener)] : [];

    /// <summary>Ends listening and gives the socket to <see cref="LoopGroup.Kept"/>. Again does nothing.</summary>
    public void Release()
    {
        int listener = _listener.Release();
        if (listener >= 0)
            _engine.Kept.Keep(_file.Carry(listener));
    }

    /// <summary>Lets the file go; nobody may ask for it any more.</summary>
    public void Close() => _file.Close();
}
