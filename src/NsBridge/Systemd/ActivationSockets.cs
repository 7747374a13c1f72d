using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Linux;

namespace NsBridge.Systemd;

/// <summary>
/// The listening sockets that <c>.socket</c> units hand over. A unit's <c>FileDescriptorName=</c> is the name of the bridge whose own
/// bind they replace; several sockets may carry the same name. They stay open as long as the daemon runs, so a bridge that a reload
/// stops and another starts again finds its sockets where they were.
/// </summary>
internal sealed class ActivationSockets : IDisposable
{
    private readonly ILookup<string, SafeFileHandle> _sockets;

    private ActivationSockets(ILookup<string, SafeFileHandle> sockets) => _sockets = sockets;

    /// <summary>The bridges, by name, that have sockets here.</summary>
    public IEnumerable<string> Names => _sockets.Select(group => group.Key);

    /// <summary>The sockets for a bridge, as descriptors of the caller's own that never block; none where it has to bind by itself.</summary>
    /// <exception cref="IOException">There is no descriptor left (EMFILE).</exception>
    public IReadOnlyList<SafeFileHandle> For(string bridge)
    {
        var copies = new List<SafeFileHandle>();
        try
        {
            foreach (SafeFileHandle socket in _sockets[bridge])
                copies.Add(InheritedSocket.Duplicate(socket));
            return copies;
        }
        catch
        {
            copies.ForEach(copy => copy.Dispose());
            throw;
        }
    }

    /// <summary>Where the sockets for a bridge listen.</summary>
    public IReadOnlyList<string> AddressesOf(string bridge) => [.. _sockets[bridge].Select(InheritedSocket.Describe)];

    public void Dispose()
    {
        foreach (SafeFileHandle? socket in _sockets.SelectMany(group => group))
            socket.Dispose();
    }

    /// <summary>Becomes their owner.</summary>
    /// <exception cref="UserErrorException">One of them is not open.</exception>
    public static ActivationSockets Adopt(IEnumerable<ActivationFd> descriptors) =>
        new(descriptors.ToLookup(descriptor => descriptor.Name, descriptor => Adopt(descriptor.Descriptor)));

    private static SafeFileHandle Adopt(int descriptor)
    {
        try
        {
            return InheritedSocket.Adopt(descriptor);
        }
        catch (IOException)
        {
            throw new UserErrorException(
                $"LISTEN_FDS announces the descriptor {descriptor}, which is not open: whoever starts nsbridge with LISTEN_PID and LISTEN_FDS has to hand over as many sockets",
                ExitCode.Failed);
        }
    }
}
