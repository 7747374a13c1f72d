using NsBridge.Configuration;
using NsBridge.Namespaces;
using NsBridge.Relaying;

namespace NsBridge.Bridges;

/// <summary>
/// The outer half of a bridge: its TCP listeners, and the join by which admitted clients reach the UNIX socket. Lives on the bridge's
/// home loop.
/// </summary>
internal sealed class OuterHalf : IOuterHalf
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

    public string? Trouble => _trouble ?? _join.Trouble;

    public Task BindAsync() => _home.InvokeAsync(Bind);

    private void Bind()
    {
        NamespaceState state = _place.State;
        bool isHost = _place.Reference.Kind == NamespaceKind.Host;
        if (_listeners.Count > 0 && !isHost && state.Cookie != _boundIn)
            Unbind();
        if (_listeners.Count > 0 || (!isHost && !state.CanEnter))
            return;
        List<(int Socket, int Offset)> sockets;
        try
        {
            sockets = ListeningSockets.Open(_bridge.Settings, _engine, _place, out _boundIn);
        }
        catch (BridgeFault fault)
        {
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

    /// <summary>Whether a client is let in.</summary>
    public bool Admit(PeerAddress peer) => _bridge.Admit(peer);

    public void Pass(ReadOnlySpan<Arrival> arrivals) => _join.Pass(arrivals);

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
