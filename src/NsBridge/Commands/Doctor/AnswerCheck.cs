using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using NsBridge.Bridges.Connecting;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Does the target accept a connection? One is made from inside the namespace and closed again. A UDP service need not answer: an
/// empty datagram shows whether it is refused.</summary>
internal static class AnswerCheck
{
    private const string Name = "answer";
    private const string PortRange = "net.ipv4.ip_local_port_range";
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(5);

    /// <summary>How long a refusal of datagrams may take. One of the namespace itself is there when send(2) returns.</summary>
    private static readonly TimeSpan s_refusal = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_localRefusal = TimeSpan.FromMilliseconds(20);

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        if (bridge.Network is null || bridge.Settings.Target is not { } target)
            return null;
        var clock = Stopwatch.StartNew();
        Errno error = Errno.None;
        var route = ConnectTarget.ToTarget(bridge.Settings);
        for (int i = 0; i < route.AddressCount; i++)
        {
            error = Try(bridge, route, i);
            if (error == Errno.None)
            {
                double time = clock.Elapsed.TotalMilliseconds;
                return CheckResult.Ok(Name, bridge.Kind == BoundSocketKind.Udp
                    ? $"{At(bridge)} refuses no datagram; whether it answers, only its own clients can find out"
                    : string.Create(CultureInfo.InvariantCulture, $"{At(bridge)} took a connection in {time:0.0} ms"));
            }
        }
        if (error == Errno.EACCES)
            return CheckResult.Unknown(Name, $"{At(bridge)} may not be connected to by this user", bridge.AsRoot);
        (string finding, string cure) = Explain(bridge, target, error);
        return CheckResult.Broken(Name, $"{At(bridge)} {finding}", cure);
    }

    private static (string Finding, string Cure) Explain(InspectedBridge bridge, TargetEndpoint target, Errno error) => error switch
    {
        Errno.ECONNREFUSED when bridge.Kind == BoundSocketKind.Udp =>
            ("refuses datagrams (ICMP)", "start the service; if it runs, a firewall on the way may reject them"),
        Errno.ECONNREFUSED when target.IsUnix =>
            ("has no listener", "start the service; if it runs, the file is left from an earlier run: restart it"),
        Errno.ECONNREFUSED => ("refuses connections", $"{Rules(bridge)}  # start the service; if it runs, a firewall may reject them"),
        Errno.ETIMEDOUT => (
            $"does not answer within {Patience(bridge).TotalSeconds:0.#} s",
            $"{Rules(bridge)}  # a firewall drops the packets, or the service accepts no more connections (its backlog is full)"),
        Errno.EAGAIN => ("does not accept its connections: its backlog is full", "restart the service"),
        Errno.EADDRNOTAVAIL => (
            $"cannot be dialled: the source ports of {bridge.Place} towards it are used up (EADDRNOTAVAIL)",
            $"{bridge.TargetPlace!.EnterCommand}sysctl -w {PortRange}='1024 65535'  # now {bridge.Network!.ReadSetting(PortRange)}"),
        Errno.EHOSTUNREACH or Errno.ENETUNREACH => ($"cannot be reached: {error}", $"{bridge.IpCommand} neighbour  # is its host there?"),
        _ => ($"cannot be connected to: {error}", "look into the service's own log"),
    };

    /// <summary>The one target that was tried; of a range its first port that has a listener.</summary>
    private static string At(InspectedBridge bridge) =>
        bridge.Settings.Target is { IsUnix: false } target ? target.TextAt(bridge.Offset) : bridge.Settings.Target!.Text;

    private static string Rules(InspectedBridge bridge) => $"{bridge.TargetPlace!.EnterCommand}nft list ruleset";

    private static TimeSpan Patience(InspectedBridge bridge) =>
        bridge.Settings.ConnectTimeout < s_longest ? bridge.Settings.ConnectTimeout : s_longest;

    private static Errno Try(InspectedBridge bridge, ConnectTarget route, int index)
    {
        bool isUdp = bridge.Kind == BoundSocketKind.Udp;
        int type = isUdp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM;
        int descriptor = bridge.Network!.OpenSocket(route.Family(index), type, out _, out EnterFailure failure);
        if (descriptor < 0)
            return failure.Error;
        using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        int found = route.Address(descriptor, index, bridge.Offset, out SockAddr address);
        if (found < 0)
            return Libc.ErrorOf(found);
        int result = Libc.Connect(descriptor, address);
        if (isUdp && result >= 0)
        {
            nint sent = Libc.Send(descriptor, []);
            if (sent < 0)
                return Libc.ErrorOf(sent);
            // Ends at a datagram or an error; PendingError distinguishes them.
            _ = socket.Poll(address.IsLoopback ? s_localRefusal : s_refusal, SelectMode.SelectRead);
            return Libc.PendingError(descriptor);
        }
        if (result != -(int)Errno.EINPROGRESS)
            return Libc.ErrorOf(result);
        return socket.Poll(Patience(bridge), SelectMode.SelectWrite) ? Libc.PendingError(descriptor) : Errno.ETIMEDOUT;
    }
}
