using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

// A relay that is over, and whose peers have not taken every byte or the end yet. In another network namespace than the daemon's own a socket that is closed
// then lives on in the kernel, where nobody can end it, and keeps its namespace alive when that is deleted: for minutes, where the peer takes nothing. So it
// stays open until all is taken, and the relay with it: it is no connection any more, but goes with its namespace as they do.
public sealed partial class Relay
{
    private const int LookWhetherTakenMilliseconds = 250;

    /// <summary>Once nobody looks after a socket any more the kernel does, for as long as its peer goes on taking.</summary>
    private const int PatienceOfTheKernelMilliseconds = 30_000;

    /// <summary>Where the peer has all but the end: nobody is slow to take that, so he has gone.</summary>
    private const int PatienceForTheEndMilliseconds = 3000;

    /// <summary>Whether both directions are over, and only what was sent is not taken yet.</summary>
    public bool IsClosing { get; private set; }

    private void End()
    {
        if (_onRing)
            LeaveCount(_group.Resources.Ring!);
        CloseIfTaken(ref _client, isClient: true);
        CloseIfTaken(ref _target, isClient: false);
        if (!HasSocket)
        {
            Finish(new RelayOutcome(EndReason.Closed));
            return;
        }
        IsClosing = true;
        ReturnStore(ref _toTarget);
        ReturnStore(ref _toClient);
        _untaken = UnackedBytes;
        _group.BeginLingering(this);
        RestartTimer();
    }

    private bool HasSocket => _client.Descriptor >= 0 || _target.Descriptor >= 0;

    private int UnackedBytes => UntakenOf(_client) + UntakenOf(_target);

    private static int UntakenOf(in RelaySocket end) => end.Descriptor < 0 ? 0 : Libc.UnackedBytes(end.Descriptor);

    /// <summary>Closes a socket whose peer has taken everything: the last byte and the end. In the daemon's own namespace the kernel may have the others too.</summary>
    private void CloseIfTaken(ref RelaySocket end, bool isClient)
    {
        ulong cookie = end.Kind != SocketKind.Tcp ? NetworkNamespace.OwnCookie : isClient ? Libc.NetworkNamespaceCookie(end.Descriptor) : Cookie;
        if (cookie == NetworkNamespace.OwnCookie || !end.HasUnackedBytesAfterEnd())
            end.Close();
        else if (_watched)
            _group.Loop.Unwatch(end.Descriptor);
    }

    /// <summary>Looks what was taken since the last look.</summary>
    private void LookWhetherTaken()
    {
        NoteTaken();
        CloseWhereTaken(ref _client);
        CloseWhereTaken(ref _target);
        if (IsIdle)
        {
            _client.Reset();
            _target.Reset();
        }
        if (HasSocket)
            RestartTimer();
        else
            FinishLingering();
    }

    private static void CloseWhereTaken(ref RelaySocket end)
    {
        if (end.Descriptor >= 0 && Libc.TcpState(end.Descriptor) is not (Libc.TCP_FIN_WAIT1 or Libc.TCP_CLOSING or Libc.TCP_LAST_ACK))
            end.Close();
    }

    /// <summary>Resets a relay, or the client's or the target's socket of one that is over.</summary>
    /// <returns>Whether it was not over.</returns>
    internal bool AbortUnlessClosing(bool isClient)
    {
        if (!IsClosing)
        {
            Abort(new RelayOutcome(EndReason.Aborted));
            return true;
        }
        (isClient ? ref _client : ref _target).Reset();
        if (!HasSocket)
            FinishLingering();
        return false;
    }

    /// <summary>Leaves what the peers of a relay that is over have still to take to the kernel, which gives up where they take nothing.</summary>
    internal void LetGo()
    {
        LeaveToTheKernel(ref _client);
        LeaveToTheKernel(ref _target);
        FinishLingering();
    }

    private void FinishLingering()
    {
        IsClosing = false;
        _group.EndLingering(this);
    }

    private static void LeaveToTheKernel(ref RelaySocket end)
    {
        if (end.Descriptor < 0)
            return;
        int patience = Libc.UnackedBytes(end.Descriptor) > 1 ? PatienceOfTheKernelMilliseconds : PatienceForTheEndMilliseconds;
        Libc.SetOption(end.Descriptor, Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, patience);
        end.Close();
    }
}
