using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Admission;

/// <summary>Whether a client is admitted, and if not, why.</summary>
internal enum AdmitVerdict
{
    Admitted,

    /// <summary>Its address is in none of the networks of <c>AllowFrom</c>.</summary>
    NotAllowed,

    /// <summary>The bridge has <c>MaxConnections</c> already.</summary>
    BridgeFull,

    /// <summary>It has <c>MaxConnectionsPerClient</c> already: its address, or the /64 of its IPv6 address.</summary>
    ClientFull,

    /// <summary>The source of its datagram is a listener of the daemon.</summary>
    Forged,

    /// <summary>The target is to see its address, and has none of its family.</summary>
    OtherFamily,

    /// <summary>The target is to see its address, and the outer half does not tell it.</summary>
    NoAddress,
}

/// <summary>Admits the clients of a bridge. Any thread may call.</summary>
internal interface IClientAdmission
{
    /// <summary>Admits a client and counts it, or refuses it, counts and logs that.</summary>
    bool Admit(PeerAddress peer);

    /// <summary>Whether there are descriptors for another client of the bridge.</summary>
    bool HasRoom { get; }

    /// <summary>As <see cref="HasRoom"/>, and reports a shortage.</summary>
    bool TryFindRoom();

    /// <summary>Whether a client of that address may connect at all; nothing is counted.</summary>
    AdmitVerdict Check(PeerAddress peer);

    /// <summary>Counts and logs a client that the caller refuses.</summary>
    void Refuse(PeerAddress peer, AdmitVerdict verdict);
}

/// <summary>Applies a bridge's limits before a target is dialled, and counts the admitted clients. Clients of the UNIX socket have passed
/// the file's permissions: of the limits only <c>MaxConnections</c> applies to them. Any thread may call.</summary>
internal sealed class AdmissionControl(BridgeCounters counters, BridgeSettings settings)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, int> _perClient = [];
    private BridgeSettings _settings = settings;
    private AllowedNetworks _allowed = new(settings.AllowFrom);

    /// <summary>Adopts new limits; admitted clients stay.</summary>
    public void Change(BridgeSettings settings)
    {
        Volatile.Write(ref _allowed, new AllowedNetworks(settings.AllowFrom));
        Volatile.Write(ref _settings, settings);
    }

    public AdmitVerdict Admit(PeerAddress peer)
    {
        AdmitVerdict verdict = Judge(peer, Volatile.Read(ref _settings));
        if (verdict == AdmitVerdict.Admitted)
            counters.CountAdmitted();
        else
            counters.CountRefused();
        return verdict;
    }

    /// <summary>Counts a client that an earlier process has admitted, whatever the limits are now.</summary>
    public void Restore(PeerAddress peer)
    {
        counters.CountAdmitted();
        if (peer.IsUnix)
            return;
        lock (_lock)
            CollectionsMarshal.GetValueRefOrAddDefault(_perClient, peer.ClientBits, out _)++;
    }

    private AdmitVerdict Judge(PeerAddress peer, BridgeSettings settings)
    {
        AdmitVerdict verdict = Check(peer, settings);
        if (verdict != AdmitVerdict.Admitted)
            return verdict;
        if (settings.MaxConnections > 0 && counters.Active >= settings.MaxConnections)
            return AdmitVerdict.BridgeFull;
        if (peer.IsUnix)
            return AdmitVerdict.Admitted;
        lock (_lock)
        {
            // Counted without a limit too, for a limit that a reload adds. An entry is small and goes with its last connection.
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_perClient, peer.ClientBits, out _);
            if (settings.MaxConnectionsPerClient > 0 && count >= settings.MaxConnectionsPerClient)
                return AdmitVerdict.ClientFull;
            count++;
            return AdmitVerdict.Admitted;
        }
    }

    /// <inheritdoc cref="IClientAdmission.Check"/>
    public AdmitVerdict Check(PeerAddress peer) => Check(peer, Volatile.Read(ref _settings));

    private AdmitVerdict Check(PeerAddress peer, BridgeSettings settings)
    {
        if (!Volatile.Read(ref _allowed).Contains(peer))
            return AdmitVerdict.NotAllowed;
        bool isOther = settings is { SourceAddress: SourceAddress.Client, Target: { } target } && !peer.IsUnix && !target.Has(peer.IsIPv4);
        return isOther ? AdmitVerdict.OtherFamily : AdmitVerdict.Admitted;
    }

    /// <summary>An admitted client has gone.</summary>
    public void Release(PeerAddress peer)
    {
        counters.CountGone();
        if (peer.IsUnix)
            return;
        lock (_lock)
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrNullRef(_perClient, peer.ClientBits);
            if (!Unsafe.IsNullRef(ref count) && --count == 0)
                _perClient.Remove(peer.ClientBits);
        }
    }
}
