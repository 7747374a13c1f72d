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
    private readonly List<OpenListener> _listeners = [];
    private ulong _boundIn;
    private volatile bool _isBound;
    // From the first BindAsync to UnbindAsync, as for TCP.
    private bool _isWanted;
    private volatile StateReason? _bindTrouble;
    private volatile StateReason? _joinTrouble;

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

    public StateReason? BindTrouble => _bindTrouble;

    public StateReason? JoinTrouble => _joinTrouble;

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
        if (!_isBound || _bindTrouble is not null || _bridge.Settings.ListensOnInterface)
        {
            ListenAttempt attempt = _listening.Open(
                _bridge.Settings, _place, _listeners.Select(listener => listener.Wanted).ToHashSet(), ref _boundIn);
            Retire(attempt.Gone);
            _listeners.AddRange(attempt.Opened);
            _bindTrouble = attempt.Trouble;
            _isBound = _listeners.Count > 0;
        }
        if (_link.IsOpen)
            _link.Flush();
        else if (_isBound)
            Connect();
    }

    private void Retire(IReadOnlyList<ListenSocket> gone)
    {
        for (int i = _listeners.Count - 1; i >= 0; i--)
        {
            if (!gone.Contains(_listeners[i].Wanted))
                continue;
            _link.TakeBack(i);
            _listeners.RemoveAt(i);
        }
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
        SetJoinTrouble(trouble);
        _retry.SetOnce(RetryMilliseconds);
    }

    // The listeners stay for as long as their namespace does: if the service manager keeps them too, their ports could not be bound again.
    private void OnLost(bool isRefused) => RetryBecause(isRefused ? Refusal : StateReason.InnerHalfGone(_bridge.Settings.Socket));

    private StateReason Refusal => new(
        ReasonCode.JoinRefused,
        $"{_bridge.Settings.Socket} does not take listeners over: no UDP bridge of an nsbridge of this user is behind it");

    private void SetJoinTrouble(StateReason? trouble)
    {
        if (_joinTrouble == trouble)
            return;
        _joinTrouble = trouble;
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
        _link.CloseRetired();
        foreach (OpenListener listener in _listeners)
            Libc.Close(listener.Descriptor);
        _listeners.Clear();
        _isBound = false;
        (_boundIn, _bindTrouble, _joinTrouble) = (0, null, null);
    }

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync<IReadOnlyList<ListenerSnapshot>>(() =>
        _boundIn != 0 && _boundIn == NetworkNamespace.OwnCookie
            ? [.. _listeners.Select(listener => ListenerSnapshot.Internet(listener.Descriptor))]
            : []);

    /// <inheritdoc/>
    /// <remarks>The link ends too: the address of the join may lead to another bridge from now on.</remarks>
    public Task UnbindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = false;
        if (_boundIn != 0)
        {
            foreach (OpenListener listener in _listeners)
                _listening.Inherited.Keep(ListenerSnapshot.Internet(listener.Descriptor));
            _listeners.Clear();
        }
        Unbind();
    });

    /// <summary>Hands the half's listeners over; they remain the half's.</summary>
    private sealed class ListenerLink(EventLoop loop, UdpOuterHalf half) : HalfLink(loop)
    {
        // Handed over, and to be taken back: the link's end does that too.
        private readonly List<int> _retired = [];
        private int _passed;

        protected override ReadOnlySpan<byte> Greeting => ListenerReceiver.Hello;

        protected override void OnReady() => _passed = 0;

        /// <summary>Takes a listener back and closes it; the half removes it from its list.</summary>
        public void TakeBack(int index)
        {
            int listener = half._listeners[index].Descriptor;
            if (!IsReady || index >= _passed)
            {
                Libc.Close(listener);
                return;
            }
            _passed--;
            _retired.Add(listener);
        }

        public void CloseRetired()
        {
            _retired.ForEach(listener => Libc.Close(listener));
            _retired.Clear();
        }

        public override void Flush()
        {
            if (!CanSend)
                return;
            Span<byte> records = stackalloc byte[Libc.DescriptorsPerMessage * ListenerRecord.Size];
            Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
            while (_retired.Count > 0)
            {
                int count = Math.Min(Libc.DescriptorsPerMessage, _retired.Count);
                for (int i = 0; i < count; i++)
                {
                    descriptors[i] = _retired[i];
                    new ListenerRecord(0, IsTakenBack: true).Write(records[(i * ListenerRecord.Size)..]);
                }
                if (!TrySend(records[..(count * ListenerRecord.Size)], descriptors[..count]))
                    return;
                foreach (int sent in descriptors[..count])
                    Libc.Close(sent);
                _retired.RemoveRange(0, count);
            }
            while (_passed < half._listeners.Count)
            {
                int count = Math.Min(Libc.DescriptorsPerMessage, half._listeners.Count - _passed);
                for (int i = 0; i < count; i++)
                {
                    (descriptors[i], ListenSocket wanted) = half._listeners[_passed + i];
                    new ListenerRecord(wanted.Offset).Write(records[(i * ListenerRecord.Size)..]);
                }
                if (!TrySend(records[..(count * ListenerRecord.Size)], descriptors[..count]))
                    return;
                _passed += count;
            }
            half.SetJoinTrouble(null);
        }

        // An inner half sends nothing after its greeting.
        protected override int OnReceived(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length > 0)
                Lose(Errno.EPROTO);
            return 0;
        }

        protected override void OnLost(Errno error, bool isRefused)
        {
            CloseRetired();
            half.OnLost(isRefused);
        }
    }
}

/// <summary>A listener that is handed over or taken back: a record for each descriptor of the message.</summary>
/// <remarks>4 bytes, big-endian: the offset in the range of ports (2), and 1 if the listener is taken back (2).</remarks>
internal readonly record struct ListenerRecord(int Offset, bool IsTakenBack = false)
{
    public const int Size = 4;

    public void Write(Span<byte> to) => BinaryPrimitives.WriteUInt32BigEndian(to, ((uint)Offset << 16) | (IsTakenBack ? 1u : 0));

    public static ListenerRecord Read(ReadOnlySpan<byte> from)
    {
        uint bits = BinaryPrimitives.ReadUInt32BigEndian(from);
        return new ListenerRecord((int)(bits >> 16), (bits & 1) != 0);
    }
}
