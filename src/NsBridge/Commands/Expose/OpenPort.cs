using System.Globalization;
using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Commands.Expose;

/// <summary>Port 0 of a listener: the kernel chooses a port that is free at each of its addresses. The sockets are bound here and wait for
/// their bridge, so that nothing else gets the port.</summary>
internal static class OpenPort
{
    /// <summary>The port that is free at one address may be taken at the other.</summary>
    private const int MostAttempts = 20;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether a valid listener leaves its port to the kernel.</summary>
    public static bool IsMeant(string listen) => listen == "0" || listen.EndsWith(":0", StringComparison.Ordinal);

    /// <summary>Parses a listener whose port may be 0.</summary>
    public static bool TryParse(string listen, out ListenEndpoint entry, out string fault) =>
        ListenEndpoint.TryParse(IsMeant(listen) ? $"{listen[..^1]}1" : listen, out entry, out fault);

    /// <summary>Waits for the namespace of the listeners, and binds those of each target.</summary>
    /// <param name="options">The command line, whose port is 0.</param>
    /// <param name="place">The namespace of the listeners.</param>
    /// <param name="kept">Gets the sockets.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <returns>The listener of each target with its port.</returns>
    /// <exception cref="UserErrorException">The namespace cannot be entered, or its addresses not be bound.</exception>
    public static async Task<IReadOnlyList<string>> ChooseAsync(
        ExposeOptions options, NamespaceTracker place, InheritedListeners kept, CancellationToken stop)
    {
        _ = TryParse(options.Listen!, out ListenEndpoint entry, out _);
        string start = options.Listen == "0" ? "localhost:" : options.Listen![..^1];
        bool isLogged = false;
        for (; !place.State.CanEnter; await Task.Delay(s_pause, stop))
        {
            if (place.State.IsFault)
                throw new UserErrorException($"nsbridge expose: {place.State.Reason}", ExitCodeOf(place.State));
            if (!isLogged && !place.State.IsUnknown)
                await Console.Error.WriteLineAsync($"info Waiting: {place.State.Reason}");
            isLogged = !place.State.IsUnknown;
        }
        return await OwnThread.RunAsync(() => options.Targets
            .Select(_ => string.Create(CultureInfo.InvariantCulture, $"{start}{Bind(place, entry, options, kept)}")).ToArray());
    }

    private static int ExitCodeOf(NamespaceState state) =>
        state.Fault == NamespaceFault.Forbidden ? ExitCode.Privilege : ExitCode.Failed;

    private static int Bind(NamespaceTracker place, ListenEndpoint entry, ExposeOptions options, InheritedListeners kept)
    {
        int result = 0;
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            int port = 0;
            var sockets = new List<int>();
            foreach (ListenSocket wanted in entry.Sockets())
            {
                result = BindOne(place, wanted with { Port = port }, options.Udp, out int socket, out int bound);
                if (result >= 0)
                {
                    sockets.Add(socket);
                    port = bound;
                }
                // A machine, or a namespace, without IPv6.
                else if (port > 0 && (Errno)(-result) is Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT)
                    result = 0;
                else
                    break;
            }
            if (result >= 0)
            {
                sockets.ForEach(socket => kept.Keep(ListenerSnapshot.Internet(socket)));
                return port;
            }
            sockets.ForEach(socket => Libc.Close(socket));
            if (result != -(int)Errno.EADDRINUSE)
                break;
        }
        throw new UserErrorException($"nsbridge expose: cannot listen on {options.Listen}: {Libc.ErrorOf(result)}", ExitCode.Failed);
    }

    private static int BindOne(NamespaceTracker place, ListenSocket wanted, bool isUdp, out int socket, out int port)
    {
        if (wanted.DualStack && !Socket.OSSupportsIPv6)
            wanted = wanted.WithoutIPv6;
        bool isSix = wanted.Address.AddressFamily == AddressFamily.InterNetworkV6;
        Span<int> one = [-1];
        port = 0;
        place.OpenSockets(
            isSix ? Libc.AF_INET6 : Libc.AF_INET, isUdp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM, one, out _, out EnterFailure failure);
        socket = one[0];
        if (socket < 0)
            return -(int)failure.Error;
        if (isUdp)
            UdpSocket.PrepareListener(socket);
        int result = ListeningSockets.Address(socket, wanted, out SockAddr address);
        if (result >= 0)
            result = ListeningSockets.Bind(socket, wanted, address, isUdp ? null : ListeningSockets.Backlog);
        if (result >= 0)
            result = Libc.LocalAddress(socket, out address);
        port = address.Port;
        if (result < 0)
            Libc.Close(socket);
        return result;
    }
}
