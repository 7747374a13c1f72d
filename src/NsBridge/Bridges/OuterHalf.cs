using Microsoft.Win32.SafeHandles;
using NsBridge.Configuration;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying;

namespace NsBridge.Bridges;

/// <summary>
/// The outer half of a bridge: its TCP listeners, and the join by which admitted clients reach the UNIX socket. Lives on the bridge's
/// home loop.
/// </summary>
internal sealed class OuterHalf
{
    private readonly Bridge _bridge;
    private readonly BridgeEngine _engine;
    private readonly NamespacePlace _place;
    private readonly EventLoop _home;
    private readonly IJoin _join;
    private readonly List<ClientListener> _listeners = [];
    private ulong _boundIn;
    private volatile string? _trouble;

    public OuterHalf(Bridge bridge, BridgeEngine engine, EventLoop home, NamespacePlace place)
    {
        _bridge = bridge;
        _engine = engine;
        _place = place;
        _home = home;
        _join = bridge.Settings.Join == JoinMode.Handoff ? new HandoffJoin(bridge, engine, home) : new RelayJoin(bridge, home, engine.Namespaces);
    }

    /// <summary>Why it does not listen, or cannot pass clients on; null where all is well.</summary>
    public string? Trouble => _trouble ?? _join.Trouble;

    /// <summary>Binds what is not bound. Called again until it succeeds, and whenever the listeners' namespace changed.</summary>
    public Task BindAsync() => _home.InvokeAsync(Bind);

    private void Bind()
    {
        NamespaceState state = _place.State;
        bool isHost = _place.Reference.Kind == NamespaceKind.Host;
        if (_listeners.Count > 0 && !isHost && state.Cookie != _boundIn)
            Unbind();
        if (_listeners.Count > 0 || (!isHost && !state.CanEnter))
            return;
        var sockets = new List<(int Socket, int Offset)>();
        try
        {
            foreach (SafeFileHandle inherited in _engine.Sockets.For(_bridge.Settings.Name))
                sockets.Add(Adopt(inherited));
            if (sockets.Count == 0)
                OpenAll(sockets);
        }
        catch (Exception fault) when (fault is BridgeFault or IOException)
        {
            foreach ((int socket, _) in sockets)
                Libc.Close(socket);
            _trouble = fault.Message;
            return;
        }
        foreach ((int socket, int offset) in sockets)
        {
            var listener = new ClientListener(this, _home, socket, offset, _engine.Descriptors);
            _listeners.Add(listener);
            listener.Start();
        }
        _trouble = null;
    }

    private (int Socket, int Offset) Adopt(SafeFileHandle inherited)
    {
        // The copy is ours from here on.
        int socket = (int)inherited.DangerousGetHandle();
        inherited.SetHandleAsInvalid();
        if (Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) < 0 || listening == 0)
        {
            Libc.Close(socket);
            throw new BridgeFault($"systemd handed over a socket named '{_bridge.Settings.Name}' that does not listen; it has to be ListenStream= with Accept=no");
        }
        TcpOptions.Apply(socket, _bridge.Settings.KeepAlive);
        Libc.LocalAddress(socket, out SockAddr address);
        int offset = address.Family == Libc.AF_UNIX ? 0 : _bridge.Settings.Listen
            .Where(entry => address.Port >= entry.Ports.First && address.Port <= entry.Ports.Last)
            .Select(entry => address.Port - entry.Ports.First).FirstOrDefault();
        return (socket, offset);
    }

    private void OpenAll(List<(int Socket, int Offset)> sockets)
    {
        ulong cookie = 0;
        foreach (ListenEndpoint entry in _bridge.Settings.Listen)
        {
            foreach (ListenSocket wanted in entry.Sockets())
            {
                int socket = ListeningSocket.Open(_place, wanted, entry, _bridge.Settings.KeepAlive, out ulong place);
                if (socket < 0)
                    continue;
                sockets.Add((socket, wanted.Offset));
                if (cookie != 0 && place != cookie)
                    throw new BridgeFault($"network namespace {_place.Reference} changed while its listeners were made");
                cookie = place;
            }
        }
        _boundIn = cookie;
    }

    /// <summary>Whether a client is let in.</summary>
    public bool Admit(PeerAddress peer) => _bridge.Admit(peer);

    public void Pass(ReadOnlySpan<Arrival> arrivals) => _join.Pass(arrivals);

    /// <summary>The namespace of the listeners changed: they go with it.</summary>
    public void FollowNamespace() => _home.Post(Follow);

    private void Follow()
    {
        if (!_place.State.CanEnter)
            Unbind();
        Bind();
    }

    private void Unbind()
    {
        foreach (ClientListener listener in _listeners)
            listener.Stop();
        _listeners.Clear();
    }

    public Task UnbindAsync() => _home.InvokeAsync(Unbind);

    public Task AbortAsync() => _home.InvokeAsync(_join.Stop);
}
