using Microsoft.Win32.SafeHandles;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;

namespace NsBridge.Bridges.Listening;

/// <summary>All sockets that the clients of a bridge come to: those that systemd handed over, or else its own.</summary>
internal static class ListeningSockets
{
    /// <summary>Makes them all, or none.</summary>
    /// <param name="settings">The bridge.</param>
    /// <param name="engine">Has what systemd handed over.</param>
    /// <param name="place">The namespace to bind in.</param>
    /// <param name="cookie">The namespace they were bound in; 0 where systemd made them.</param>
    /// <exception cref="BridgeSetupException">One cannot be had; says why.</exception>
    public static List<(int Socket, int Offset)> Open(BridgeSettings settings, LoopGroup engine, NamespaceTracker place, out ulong cookie)
    {
        cookie = 0;
        var sockets = new List<(int Socket, int Offset)>();
        try
        {
            foreach (SafeFileHandle inherited in settings.TakesSockets ? engine.Sockets.For(settings.Name) : [])
                sockets.Add(Adopt(settings, inherited));
            if (sockets.Count == 0)
                OpenOwn(settings, place, engine, sockets, out cookie);
            engine.OnBound();
            return sockets;
        }
        catch (Exception fault)
        {
            foreach ((int socket, _) in sockets)
                Libc.Close(socket);
            if (fault is IOException)
                throw new BridgeSetupException(ReasonCode.ListenerUnavailable, fault.Message);
            throw;
        }
    }

    private static (int Socket, int Offset) Adopt(BridgeSettings settings, SafeFileHandle inherited)
    {
        // The copy is ours from here on.
        int socket = (int)inherited.DangerousGetHandle();
        inherited.SetHandleAsInvalid();
        Libc.LocalAddress(socket, out SockAddr address);
        if (settings.Protocol == BridgeProtocol.Udp)
        {
            if (!UdpSocket.IsListener(socket))
            {
                Libc.Close(socket);
                throw new BridgeSetupException(
                    ReasonCode.ListenerUnsuitable, $"systemd handed over a socket named '{settings.Name}' that is no UDP one; it has to be ListenDatagram= with an address and port");
            }
        }
        else if (Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) < 0 || listening == 0)
        {
            Libc.Close(socket);
            throw new BridgeSetupException(
                ReasonCode.ListenerUnsuitable, $"systemd handed over a socket named '{settings.Name}' that does not listen; it has to be ListenStream= with Accept=no");
        }
        else
        {
            TcpOptions.ForListener(socket, address, settings.KeepAlive);
        }
        int offset = address.Family == Libc.AF_UNIX ? 0 : settings.Listen
            .Where(entry => address.Port >= entry.Ports.First && address.Port <= entry.Ports.Last)
            .Select(entry => address.Port - entry.Ports.First).FirstOrDefault();
        return (socket, offset);
    }

    private static void OpenOwn(BridgeSettings settings, NamespaceTracker place, LoopGroup engine, List<(int Socket, int Offset)> sockets, out ulong cookie)
    {
        cookie = 0;
        // All or none: without this look, a range that is too long would take every descriptor away from the others, again and again.
        if (engine.Descriptors.WhyNot(settings.ListenDescriptors, engine.Kept.Count) is { } lack)
            throw new BridgeSetupException(ReasonCode.OutOfDescriptors, lack);
        foreach (ListenEndpoint entry in settings.Listen)
        {
            foreach (ListenSocket wanted in entry.Sockets())
            {
                int socket = ListeningSocket.Open(place, wanted, entry, settings, engine, out ulong boundIn);
                if (socket < 0)
                    continue;
                sockets.Add((socket, wanted.Offset));
                if (cookie != 0 && boundIn != cookie)
                    throw new BridgeSetupException(ReasonCode.NamespaceUnknown, $"network namespace {place.Reference} changed while its listeners were made");
                cookie = boundIn;
            }
        }
    }
}
