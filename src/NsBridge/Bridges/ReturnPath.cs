using System.Net;
using System.Net.Sockets;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;

namespace NsBridge.Bridges;

/// <summary>Whether answers to clients' own addresses come back inside a bridge's namespace. Until that is proved for the namespace and
/// the target of the moment, no client is connected. A connection proves it, as a client's will be; routes that are read do not.</summary>
/// <param name="bridge">The bridge, with <c>SourceAddress</c> <c>client</c>.</param>
/// <param name="place">Its namespace.</param>
/// <param name="changed">Called on any thread when the answer has changed.</param>
internal sealed class ReturnPath(IBridgeContext bridge, NamespaceTracker place, Action changed)
{
    private const int AnswerMilliseconds = 200;

    private static readonly StateReason s_unproved =
        new(ReasonCode.Starting, "it is not proved yet that answers to clients' own addresses come back");

    /// <summary>Addresses for documentation (RFC 5737, RFC 3849), which no client has: without the way back an answer to the second one
    /// leaves by the default route. The kernel sends none from 127.0.0.0/8.</summary>
    private static readonly IPAddress s_client4 = IPAddress.Parse("192.0.2.1"), s_client6 = IPAddress.Parse("2001:db8::1");

    private volatile Proof? _last;
    private ulong _failedIn;
    private Task _proving = Task.CompletedTask;

    /// <param name="Cookie">The namespace; 0 for none.</param>
    /// <param name="Target">The target.</param>
    /// <param name="Trouble">Null: it is proved.</param>
    private sealed record Proof(ulong Cookie, TargetEndpoint Target, StateReason? Trouble);

    /// <summary>Why no client's own address may be used in a namespace; null if it may. Any thread may call.</summary>
    public StateReason? TroubleIn(ulong cookie) =>
        _last is { } last && last.Cookie == cookie && last.Target == bridge.Settings.Target ? last.Trouble : s_unproved;

    /// <summary>Makes the first proof, if the bridge needs one.</summary>
    /// <returns>Null if it needs none.</returns>
    public static async Task<ReturnPath?> StartAsync(IBridgeContext bridge, NamespaceTracker place, Action changed)
    {
        if (bridge.Settings.SourceAddress != SourceAddress.Client)
            return null;
        var path = new ReturnPath(bridge, place, changed);
        await (path._proving = path.ProveAsync());
        return path;
    }

    /// <summary>Begins another proof, unless one is under way. Calls take turns.</summary>
    /// <returns>The last one.</returns>
    public Task RenewAsync()
    {
        Task last = _proving;
        if (!last.IsCompleted)
            return Task.CompletedTask;
        _proving = ProveAsync();
        return last;
    }

    /// <summary>Completes with the proof under way.</summary>
    public Task EndAsync() => _proving;

    private async Task ProveAsync()
    {
        BridgeSettings settings = bridge.Settings;
        TargetEndpoint target = settings.Target!;
        ulong cookie = 0;
        StateReason? trouble = await OwnThread.RunAsync(() =>
            place.Resolve(out _) is { } network ? Prove(network, settings, out cookie) : null);
        if (cookie == 0)
        {
            // No socket could be made there, which proves nothing.
            _last ??= new Proof(0, target, s_unproved);
            return;
        }
        // A namespace that has just been made may get its routes in a moment, and a machine may be busy for 200 ms: the second one counts.
        bool isFirst = trouble is not null && cookie != _failedIn;
        _failedIn = trouble is not null ? cookie : 0;
        if (isFirst && _last is { } before)
            trouble = before.Cookie == cookie && before.Target == target ? before.Trouble : s_unproved;
        var proof = new Proof(cookie, target, trouble);
        if (proof == _last)
            return;
        _last = proof;
        changed();
    }

    /// <summary>Proves it now, from a documentation address to a listener beside the target. On a thread that may enter namespaces; takes
    /// up to 200 ms for each family.</summary>
    /// <param name="network">The namespace.</param>
    /// <param name="settings">The bridge.</param>
    /// <param name="cookie">The namespace that was entered; 0 if no socket could be made in it.</param>
    /// <returns>Null if answers come back; else what is missing and what to do.</returns>
    public static StateReason? Prove(NetworkNamespace network, BridgeSettings settings, out ulong cookie)
    {
        cookie = 0;
        TargetEndpoint target = settings.Target!;
        var troubles = new List<StateReason>();
        foreach (IPAddress address in target.Addresses)
        {
            Errno error = TryConnect(network, address, out ulong entered, out bool isRefused);
            bool isOther = cookie != 0 && entered != 0 && entered != cookie;
            cookie = isOther ? 0 : Math.Max(cookie, entered);
            if (isOther)
                break;
            // A namespace without IPv6 is reached by IPv4 alone.
            bool isAbsent = address != target.Addresses[0] && error is Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT;
            if (isRefused)
            {
                return new StateReason(
                    ReasonCode.SourceAddressForbidden,
                    $"cannot use clients' own addresses in {settings.Namespace}: EPERM - needs CAP_NET_RAW in the user namespace that owns "
                        + "the network; the service gets it by the drop-in client-address.conf");
            }
            if (error != Errno.None && !isAbsent)
            {
                string commands = string.Join("' and '", Commands(address, "ip"));
                troubles.Add(new StateReason(
                    ReasonCode.ReturnRouteMissing,
                    $"answers to clients' own addresses do not come back from {address} ({error}); "
                        + $"run inside {settings.Namespace}: '{commands}'"));
            }
        }
        return StateReason.Together(troubles);
    }

    /// <summary>The commands that make the way back, with the program before them.</summary>
    public static IEnumerable<string> Commands(IPAddress target, string ip) => target.Equals(IPAddress.IPv6Loopback)
        ? [$"{ip} -6 rule add from ::1 iif lo table 123", $"{ip} -6 route add local ::/0 dev lo table 123"]
        : [$"{ip} rule add from 127.0.0.0/8 iif lo table 123", $"{ip} route add local 0.0.0.0/0 dev lo table 123"];

    private static IPAddress ClientOf(IPAddress target) =>
        target.AddressFamily == AddressFamily.InterNetwork ? s_client4 : s_client6;

    private static Errno TryConnect(NetworkNamespace network, IPAddress target, out ulong cookie, out bool isRefused)
    {
        isRefused = false;
        SockAddr address = SockAddr.From(target, 0);
        Span<int> sockets = [-1, -1];
        int made = network.OpenSockets(address.Family, Libc.SOCK_STREAM, sockets, out cookie, out EnterFailure failure);
        int listener = made > 0 ? sockets[0] : -1, client = made > 1 ? sockets[1] : -1;
        try
        {
            if (made < sockets.Length)
            {
                cookie = 0;
                return failure.Error;
            }
            int result = Libc.BindForeign(client, SockAddr.From(ClientOf(target), 0), isStream: true);
            isRefused = result == -(int)Errno.EPERM;
            if (result >= 0)
                result = Libc.Bind(listener, address);
            if (result >= 0)
                result = Libc.Listen(listener, 1);
            if (result >= 0)
                result = Libc.LocalAddress(listener, out address);
            if (result >= 0)
                result = Libc.Connect(client, address);
            if (result != -(int)Errno.EINPROGRESS)
                return Libc.ErrorOf(result);
            return Libc.Wait(client, Libc.EPOLLOUT, AnswerMilliseconds) ? Libc.PendingError(client) : Errno.ETIMEDOUT;
        }
        finally
        {
            Libc.CloseWithReset(client);
            Libc.Close(listener);
        }
    }
}
