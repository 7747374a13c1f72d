using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using NsBridge.Bridges.Connecting;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>
/// Does the target take a connection? One is made from inside the namespace and closed again. Of a UDP service no answer can be demanded: an empty
/// datagram shows whether it is refused.
/// </summary>
internal static class AnswerCheck
{
    private const string Name = "answer";
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(5);

    /// <summary>How long a refusal may be under way; one of the namespace itself is there at once.</summary>
    private static readonly TimeSpan s_refusal = TimeSpan.FromMilliseconds(500);

    public static CheckResult? Look(InspectedBridge patient)
    {
        if (patient.Network is null || patient.Bridge.Target is not { } target)
            return null;
        bool isUdp = patient.Bridge.Protocol == BridgeProtocol.Udp;
        var clock = Stopwatch.StartNew();
        Errno error = Errno.None;
        var plan = ConnectTarget.ToTarget(patient.Bridge);
        for (int i = 0; i < plan.AddressCount; i++)
        {
            error = Try(patient, plan, i);
            if (error == Errno.None)
            {
                return CheckResult.Ok(Name, isUdp
                    ? $"{target} refuses no datagram; whether it answers only its own clients can tell"
                    : string.Create(CultureInfo.InvariantCulture, $"{target} took a connection within {clock.Elapsed.TotalMilliseconds:0.0} ms"));
            }
        }

        return error switch
        {
            Errno.ECONNREFUSED when isUdp => CheckResult.Broken(Name, $"{target} refuses datagrams (ICMP)", "start the service; if it runs, a firewall on the way may reject them"),
            Errno.ECONNREFUSED when target.IsUnix => CheckResult.Broken(
                Name, $"nobody listens on {target}", "start the service; if it runs, the file is left from an earlier run: restart it, so that it makes the socket anew"),
            Errno.ECONNREFUSED => CheckResult.Broken(Name, $"{target} refuses connections", "start the service; if it runs, a firewall in the namespace may reject them"),
            Errno.ETIMEDOUT => CheckResult.Broken(
                Name, $"{target} does not answer within {Patience(patient).TotalSeconds:0.#} s", "a firewall in the namespace drops the packets, or the service accepts no more connections (its backlog is full)"),
            Errno.EACCES => CheckResult.Broken(Name, $"{target} may not be connected to by this user", "give the daemon's user permission on the socket's file, and on the folders above it"),
            Errno.EAGAIN => CheckResult.Broken(Name, $"the backlog of {target} is full", "the service does not accept its connections: restart it"),
            Errno.EHOSTUNREACH or Errno.ENETUNREACH => CheckResult.Broken(Name, $"{target} cannot be reached: {error}", $"'{patient.IpCommand} neighbour' shows whether its host is there"),
            _ => CheckResult.Broken(Name, $"{target} cannot be connected to: {error}", "look into the service's own log"),
        };
    }

    private static TimeSpan Patience(InspectedBridge patient) => patient.Bridge.ConnectTimeout < s_longest ? patient.Bridge.ConnectTimeout : s_longest;

    /// <param name="patient">Whose bridge it is.</param>
    /// <param name="plan">How the daemon would dial.</param>
    /// <param name="index">Which of the target's addresses to try.</param>
    private static Errno Try(InspectedBridge patient, ConnectTarget plan, int index)
    {
        bool isUdp = patient.Bridge.Protocol == BridgeProtocol.Udp;
        int descriptor = patient.Network!.OpenSocket(plan.Family(index), isUdp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM, out _, out EnterFailure failure);
        if (descriptor < 0)
            return failure.Error;
        using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        int found = plan.Address(descriptor, index, 0, out SockAddr address);
        if (found < 0)
            return Libc.ErrorOf(found);
        return isUdp ? Knock(socket, descriptor, address) : ConnectAttempt(patient, socket, descriptor, address);
    }

    private static Errno ConnectAttempt(InspectedBridge patient, Socket socket, int descriptor, SockAddr address)
    {
        int result = Libc.Connect(descriptor, address);
        if (result != -(int)Errno.EINPROGRESS)
            return Libc.ErrorOf(result);
        return socket.Poll(Patience(patient), SelectMode.SelectWrite) ? Libc.PendingError(descriptor) : Errno.ETIMEDOUT;
    }

    /// <summary>Sends an empty datagram and waits a moment for somebody to refuse it.</summary>
    private static Errno Knock(Socket socket, int descriptor, SockAddr address)
    {
        int result = Libc.Connect(descriptor, address);
        if (result < 0)
            return Libc.ErrorOf(result);
        nint sent = Libc.Send(descriptor, []);
        if (sent < 0)
            return Libc.ErrorOf(sent);
        // Ends the wait at a datagram or an error, whatever it returns then.
        _ = socket.Poll(s_refusal, SelectMode.SelectRead);
        return Libc.PendingError(descriptor);
    }
}
