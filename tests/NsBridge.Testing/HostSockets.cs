using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NsBridge.Testing;

/// <summary>What listens in the host's network namespace, read from <c>/proc</c> so that looking disturbs nothing.</summary>
public static class HostSockets
{
    private const string Listening = "0A";
    // Below the kernel's ephemeral ports, so that no outgoing connection can take one between choice and bind.
    private const int FirstPort = 10240;
    private const int LastPort = 32000;
    // Ranges are taken from here on: among single ports given at random there soon is no long one left.
    private const int FirstOfRanges = 26000;
    private static readonly HashSet<int> s_given = [];

    /// <summary>A TCP port that is free on every address now and that this process has not been given before.</summary>
    public static int FreePort() => FreePorts(1);

    /// <summary>The first of <paramref name="count"/> consecutive ports, each free as by <see cref="FreePort"/>.</summary>
    public static int FreePorts(int count)
    {
        (int from, int to) = count == 1 ? (FirstPort, FirstOfRanges) : (FirstOfRanges, LastPort);
        lock (s_given)
        {
            for (int attempt = 0; attempt < 1000; attempt++)
            {
                int first = Random.Shared.Next(from, to - count);
                var ports = Enumerable.Range(first, count).ToList();
                if (ports.Any(s_given.Contains) || !ports.TrueForAll(CanBind))
                    continue;
                s_given.UnionWith(ports);
                return first;
            }
        }
        throw new InvalidOperationException($"No {count} adjoining free ports between {from} and {to}.");
    }

    /// <summary>True while a TCP socket listens on exactly this address and port.</summary>
    public static bool IsListening(IPEndPoint endPoint)
    {
        string table = endPoint.AddressFamily == AddressFamily.InterNetwork ? "/proc/net/tcp" : "/proc/net/tcp6";
        string wanted = $"{KernelText(endPoint.Address)}:{endPoint.Port:X4}";
        // The kernel lists the listening sockets first.
        return File.ReadLines(table).Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .TakeWhile(fields => fields[3] == Listening)
            .Any(fields => fields[1] == wanted);
    }

    /// <summary>True while a UDP socket is bound to this port on any address.</summary>
    public static bool IsUdpBound(int port) => new[] { "/proc/net/udp", "/proc/net/udp6" }
        .SelectMany(File.ReadLines)
        .Any(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1].EndsWith($":{port:X4}", StringComparison.Ordinal));

    private static bool CanBind(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        probe.DualMode = true;
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The kernel prints addresses as native-endian 32-bit words in hexadecimal.</summary>
    private static string KernelText(IPAddress address) =>
        string.Concat(address.GetAddressBytes().Chunk(4)
            .Select(word => BitConverter.ToUInt32(word).ToString("X8", CultureInfo.InvariantCulture)));
}
