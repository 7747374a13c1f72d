using System.Runtime.InteropServices;
using NsBridge.Configuration.Settings;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Admission;

/// <summary>
/// Decides who is let in, before anything is dialled for him, and counts who is in. Clients of the UNIX socket have the file's
/// permission: of the limits only <c>MaxConnections</c> is for them.
/// </summary>
internal sealed class AdmissionControl(BridgeCounters tally, BridgeSettings settings)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, int> _perClient = [];
    private BridgeSettings _settings = settings;
    private AllowedNetworks _allowed = new(settings.AllowFrom);

    /// <summary>New limits and lists; who is in stays in.</summary>
    public void Change(BridgeSettings settings)
    {
        Volatile.Write(ref _allowed, new AllowedNetworks(settings.AllowFrom));
        Volatile.Write(ref _settings, settings);
    }

    public AdmitVerdict Admit(PeerAddress peer)
    {
        BridgeSettings settings = Volatile.Read(ref _settings);
        AdmitVerdict verdict = Judge(peer, settings);
        if (verdict == AdmitVerdict.Admitted)
            tally.CountAdmitted();
        else
            tally.CountRefused();
        return verdict;
    }

    /// <summary>A client whom the process before had let in is counted here too, whatever the limits say now.</summary>
    public void Restore(PeerAddress peer)
    {
        tally.CountAdmitted();
        if (peer.IsUnix)
            return;
        lock (_lock)
            CollectionsMarshal.GetValueRefOrAddDefault(_perClient, peer.Bits, out _)++;
    }

    private AdmitVerdict Judge(PeerAddress peer, BridgeSettings settings)
    {
        if (!IsAllowed(peer))
            return AdmitVerdict.NotAllowed;
        if (settings.MaxConnections > 0 && tally.Active >= settings.MaxConnections)
            return AdmitVerdict.BridgeFull;
        if (peer.IsUnix)
            return AdmitVerdict.Admitted;
        lock (_lock)
        {
            // Counted without a limit too: a limit that a reload brings then knows who is in. An entry is small and goes with its last connection.
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_perClient, peer.Bits, out _);
            if (settings.MaxConnectionsPerClient > 0 && count >= settings.MaxConnectionsPerClient)
                return AdmitVerdict.ClientFull;
            count++;
            return AdmitVerdict.Admitted;
        }
    }

    /// <summary>Whether a client's address is in <c>AllowFrom</c>; nothing is counted.</summary>
    public bool IsAllowed(PeerAddress peer) => Volatile.Read(ref _allowed).Contains(peer);

    /// <summary>A client that was admitted has gone.</summary>
    public void Release(PeerAddress peer)
    {
        tally.CountGone();
        if (peer.IsUnix)
            return;
        lock (_lock)
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrNullRef(_perClient, peer.Bits);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref count))
                return;
            if (--count == 0)
                _perClient.Remove(peer.Bits);
        }
    }
}
