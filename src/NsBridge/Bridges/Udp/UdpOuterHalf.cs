using System.Buffers.Binary;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Udp;

/// <summary>The outer half of a UDP bridge: binds its listeners and hands each over to the inner half once, over a kept connection to the
/// bridge's UNIX socket. From then on datagrams pass between the listeners and the targets without it. On the bridge's home
/// loop.</summary>
internal sealed class UdpOuterHalf : IOuterHalf
{
    private const int RetryMilliseconds = 250;

    private readonly IBridgeContext _bridge;
    private readonly EventLoop _home;
    private readonly NamespaceTracker _place;
    private readonly ListeningSockets _listening;
    private readonly LoopTimer _retry;
    private readonly ListenerLink _link;
    private List<(int Socket, int Offset)> _listeners = [];
    private ulong _boundIn;
    private volatile bool _isBound;
    // From the first BindAsync to UnbindAsync, as for TCP.
    private bool _isWanted;
    private volatile StateReason? _trouble;

    public UdpOuterHalf(IBridgeContext bridge, EventLoop home, NamespaceTracker place, ListeningSockets listening)
    {
        _bridge = bridge;
        _home = home;
        _place = place;
        _listening = listening;
        // Listeners that wait buffer what comes: a client whose datagrams came meanwhile is answered when the inner half is back.
        _retry = new LoopTimer(home, Bind);
        _link = new ListenerLink(home, this);
    }

    public bool IsBound => _isBound;

    public StateReason? BindTrouble => _isBound ? null : _trouble;

    public StateReason? JoinTrouble => _isBound ? _trouble : null;

    public Task BindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = true;
        Bind();
    });

    private void Bind()
    {
        if (!_isWanted)
            return;
        NamespaceState state = _place.State;
        bool isHost = _place.Reference.Kind == NamespaceKind.Host;
        if (_isBound && !isHost && state.Cookie != _boundIn)
            Unbind();
        if (!isHost && !state.CanEnter)
            return;
        if (!_isBound)
        {
            try
            {
                _listeners = _listening.Open(_bridge.Settings, _place, out _boundIn);
            }
            catch (BridgeSetupException fault)
            {
                RetryBecause(fault.Reason);
                return;
            }
            _isBound = true;
            SetTrouble(null);
        }
        if (!_link.IsOpen)
            Connect();
    }

    private void Connect()
    {
        int result = _link.Connect(_bridge.JoinAddress, new JoinPeerName(JoinKind.Datagrams, 0));
        if (result >= 0)
            _retry.Clear();
        else
            RetryBecause(result == HalfLink.NotOwnUser ? Refusal : StateReason.Unjoined(_bridge.Settings.Socket, Libc.ErrorOf(result)));
    }

    private void RetryBecause(StateReason trouble)
    {
        SetTrouble(trouble);
        _retry.SetOnce(RetryMilliseconds);
    }

    // The listeners stay for as long as their namespace does: if the service manager keeps them too, their ports could not be bound again.
    private void OnLost(bool isRefused) => RetryBecause(isRefused ? Refusal : StateReason.InnerHalfGone(_bridge.Settings.Socket));

    private StateReason Refusal => new(
        ReasonCode.JoinRefused,
        $"{_bridge.Settings.Socket} does not take listeners over: no UDP bridge of an nsbridge of this user is behind it");

    private void SetTrouble(StateReason? trouble)
    {
        if (_trouble == trouble)
            return;
        _trouble = trouble;
        _bridge.OnStateChanged();
    }

    public void OnNamespaceChanged() => _home.Post(() =>
    {
        if (!_place.State.CanEnter)
            Unbind();
        Bind();
        _bridge.OnStateChanged();
    });

    private void Unbind()
    {
        _retry.Clear();
        _link.Close();
        foreach ((int socket, _) in _listeners)
            Libc.Close(socket);
        _listeners = [];
        _isBound = false;
    }

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync<IReadOnlyList<ListenerSnapshot>>(() =>
        _boundIn != 0 && _boundIn == NetworkNamespace.OwnCookie
            ? [.. _listeners.Select(listener => ListenerSnapshot.Internet(listener.Socket))]
            : []);

    /// <inheritdoc/>
    /// <remarks>The link ends too: the address of the join may lead to another bridge from now on.</remarks>
    public Task UnbindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = false;
        if (_boundIn != 0)
        {
            foreach ((int socket, _) in _listeners)
                _listening.Inherited.Keep(ListenerSnapshot.Internet(socket));
            _listeners = [];
        }
        Unbind();
    });

    /// <summary>Hands the half's listeners over; they remain the half's.</summary>
    private sealed class ListenerLink(EventLoop loop, UdpOuterHalf half) : HalfLink(loop)
    {
        private int _passed;

        protected override ReadOnlySpan<byte> Greeting => ListenerReceiver.Hello;

        protected override void OnReady() => _passed = 0;

        public override void Flush()
        {
            if (!CanSend)
                return;
            Span<byte> records = stackalloc byte[Libc.DescriptorsPerMessage * ListenerRecord.Size];
            Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
            while (_passed < half._listeners.Count)
            {
                int count = Math.Min(Libc.DescriptorsPerMessage, half._listeners.Count - _passed);
                for (int i = 0; i < count; i++)
                {
                    (descriptors[i], int offset) = half._listeners[_passed + i];
                    new ListenerRecord(offset).Write(records[(i * ListenerRecord.Size)..]);
                }
                if (!TrySend(records[..(count * ListenerRecord.Size)], descriptors[..count]))
                    return;
                _passed += count;
            }
            half.SetTrouble(null);
        }

        // An inner half sends nothing after its greeting.
        protected override int OnReceived(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length > 0)
                Lose(Errno.EPROTO);
            return 0;
        }

        protected override void OnLost(Errno error, bool isRefused) => half.OnLost(isRefused);
    }
}

/// <summary>A listener that is handed over: a record for each descriptor of the message.</summary>
/// <remarks>4 bytes: the offset in the range of ports (2, big-endian) and two zeros.</remarks>
internal readonly record struct ListenerRecord(int Offset)
{
    public const int Size = 4;

    public void Write(Span<byte> to) => BinaryPrimitives.WriteUInt32BigEndian(to, (uint)Offset << 16);

    public static ListenerRecord Read(ReadOnlySpan<byte> from) => new((int)(BinaryPrimitives.ReadUInt32BigEndian(from) >> 16));
}
