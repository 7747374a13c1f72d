using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

// Which relays are on the loop's ring: how one comes there and how it leaves. The ring is worth its price where many messages come at a time. One that comes alone
// wakes the loop while its sender still holds the socket, which the ring reads at once and so waits for; a loop that is woken by its epoll reads it a moment later
// (measured: 5 of the 40 µs that a message takes).
public sealed partial class Relay
{
    /// <summary>After so many small messages that had better gone the other way, by the ring or not, the relay changes to it.</summary>
    private const int MisplacedMessages = 64;

    /// <summary>
    /// A reset that comes right after the last bytes is not told by every kernel (before those of 2026, where both wake the request before its owner has
    /// looked: the bytes are received, and the request waits for the next one). So both sockets are looked at every so many milliseconds in which bytes came; a relay
    /// without any leaves.
    /// </summary>
    private const int LookMilliseconds = 1000;

    private const ulong OwnBits = 7;

    private bool _onRing;
    private bool _withdrawing;

    /// <summary>Whether bytes have come since the sockets were looked at, or the relay began.</summary>
    private bool _isToBeLookedAt;

    /// <summary>Whether epoll watches both sockets.</summary>
    private bool _watched;

    /// <summary>A bit for each end that is being received from.</summary>
    private int _receiving;

    /// <summary>How many messages had better gone the other way: on the ring those in a row that came alone, off it small ones that came with others.</summary>
    private int _wrongPathCount;

    private bool IsForRing => _client.Kind == SocketKind.Tcp && _target.Kind == SocketKind.Tcp && _group.Resources.Ring is not null;

    private bool IsWholeAndEmpty =>
        _toTarget.Pending == 0 && _toClient.Pending == 0 && !_toTarget.Ended && !_toClient.Ended && !_client.Failed && !_target.Failed;

    private bool IsHalfClosedOnRing => _onRing && (_toTarget.Closed || _toClient.Closed);

    private void EnterRing(MessageRing ring)
    {
        EventLoop loop = _group.Loop;
        if (_watched)
        {
            loop.Unwatch(_client.Descriptor);
            loop.Unwatch(_target.Descriptor);
            _watched = false;
        }
        _onRing = true;
        _wrongPathCount = 0;
        _isToBeLookedAt = true;
        // From here on the ring tells; after it epoll does, from the beginning.
        _client.Readable = _target.Readable = false;
        _toTarget.LargeReads = _toClient.LargeReads = 0;
        ring.Relays++;
        Receive(ring, ClientEnd);
        Receive(ring, TargetEnd);
        // A young relay's timer comes soon.
        if (_settled)
            RestartTimer();
    }

    /// <summary>
    /// Looks whether the ring has kept an end to itself. Who has said nothing leaves as well: as long as anybody is there, what happens on the epoll costs a call more.
    /// </summary>
    private bool MustLeaveRing()
    {
        bool isSilent = !_isToBeLookedAt;
        _isToBeLookedAt = false;
        return isSilent || HasUntoldEnd(_client, _toTarget) || HasUntoldEnd(_target, _toClient);
    }

    private static bool HasUntoldEnd(in RelaySocket source, in RelayDirection flow)
    {
        uint events = Libc.Ready(source.Descriptor, Libc.EPOLLRDHUP);
        return (events & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0 || ((events & Libc.EPOLLRDHUP) != 0 && !flow.Ended);
    }

    /// <summary>A message has come by the ring.</summary>
    /// <returns>Whether the next ones had better be read.</returns>
    private bool ShouldLeaveRing()
    {
        _wrongPathCount = _group.Loop.IsQuiet ? _wrongPathCount + 1 : 0;
        return _wrongPathCount == MisplacedMessages;
    }

    /// <summary>So many bytes were read.</summary>
    private void LookWhetherForRing(nint bytes)
    {
        if (bytes >= MessageRing.MessageBytes)
            _wrongPathCount = 0;
        else if (!_group.Loop.IsQuiet && _wrongPathCount < MisplacedMessages)
            _wrongPathCount++;
    }

    /// <summary>Goes on by reads and writes.</summary>
    private void LeaveRing()
    {
        if (Withdraw() && Watch())
            Advance(client: true, target: true);
    }

    /// <summary>Takes the relay off the ring; bytes on their way are pending then.</summary>
    /// <returns>False where the relay has ended, for want of memory.</returns>
    private bool Withdraw()
    {
        MessageRing ring = _group.Resources.Ring!;
        EndRequests(ring);
        return Gather(ring, ref _toTarget) && Gather(ring, ref _toClient);
    }

    /// <summary>Brings every request to its end. The sockets are nobody's but the relay's from then on.</summary>
    private void EndRequests(MessageRing ring)
    {
        ulong number = _group.Loop.Key(this);
        _withdrawing = true;
        while (_receiving != 0 || _toTarget.Sending || _toClient.Sending)
        {
            // Again each time: a request that is just being worked on is not found.
            for (int end = ClientEnd; end <= TargetEnd; end++)
            {
                if ((_receiving & 1 << end) != 0)
                    ring.Cancel(number | (uint)end);
            }
            ring.Submit();
            while (ring.TryTakeOf(number, ~OwnBits, out IoUringCompletion completion))
                OnCompletion(completion, (int)(completion.UserData & OwnBits));
        }
        _withdrawing = false;
        LeaveCount(ring);
    }

    private void LeaveCount(MessageRing ring)
    {
        _onRing = false;
        _wrongPathCount = 0;
        ring.Relays--;
    }

    private bool Gather(MessageRing ring, ref RelayDirection flow)
    {
        int bytes = ring.Bytes(flow.Messages);
        if (bytes == 0)
            return true;
        if (!RentFor(ref flow, bytes))
            return false;
        ring.Move(ref flow.Messages, flow.Block.Address);
        return true;
    }
}
