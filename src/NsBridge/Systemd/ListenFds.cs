using System.Globalization;
using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>A descriptor that the service manager passed at the start.</summary>
/// <param name="Descriptor">Its number in this process.</param>
/// <param name="Name">Its <c>FileDescriptorName=</c>.</param>
internal readonly record struct ActivationFd(int Descriptor, string Name);

/// <summary>The variables of sd_listen_fds(3).</summary>
internal static class ListenFds
{
    /// <summary>SD_LISTEN_FDS_START: the first after standard input, output and error.</summary>
    internal const int FirstDescriptor = 3;

    /// <summary>Reads the variables and clears them: they are for this process alone, not for its children.</summary>
    public static IReadOnlyList<ActivationFd> Take()
    {
        IReadOnlyList<ActivationFd> descriptors = Parse(
            Environment.GetEnvironmentVariable("LISTEN_PID"),
            Environment.GetEnvironmentVariable("LISTEN_FDS"),
            Environment.GetEnvironmentVariable("LISTEN_FDNAMES"),
            Environment.ProcessId);

        foreach (string variable in (ReadOnlySpan<string>)["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"])
            Environment.SetEnvironmentVariable(variable, null);
        return descriptors;
    }

    /// <param name="process">Value of <c>LISTEN_PID</c>: the process they are for.</param>
    /// <param name="count">Value of <c>LISTEN_FDS</c>.</param>
    /// <param name="names">Value of <c>LISTEN_FDNAMES</c>, one for each, separated by colons; null if the manager names nothing.</param>
    /// <param name="ownProcess">This process's id.</param>
    internal static IReadOnlyList<ActivationFd> Parse(string? process, string? count, string? names, int ownProcess)
    {
        // Variables that leaked from a parent name another process; adopting its numbers would close files of this one.
        if (process != ownProcess.ToString(CultureInfo.InvariantCulture))
            return [];
        if (!ushort.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out ushort descriptors))
            return [];

        string[] named = names?.Split(':') ?? [];
        return
        [
            .. Enumerable.Range(0, descriptors)
                .Select(index => new ActivationFd(FirstDescriptor + index, index < named.Length ? named[index] : "")),
        ];
    }
}

/// <summary>The listening sockets that <c>.socket</c> units pass. A unit's <c>FileDescriptorName=</c> is the name of the bridge whose own
/// bind they replace; several sockets may have the same name. They stay open while the daemon runs, so that a bridge finds them again
/// after a reload.</summary>
internal sealed class ActivationSockets : IDisposable
{
    private readonly ILookup<string, SafeFileHandle> _sockets;

    private ActivationSockets(ILookup<string, SafeFileHandle> sockets) => _sockets = sockets;

    /// <summary>The names of the bridges that have sockets here.</summary>
    public IEnumerable<string> Names => _sockets.Select(group => group.Key);

    /// <summary>Non-blocking duplicates of a bridge's sockets, owned by the caller; none if the bridge binds by itself.</summary>
    /// <exception cref="IOException">No descriptor is left (EMFILE).</exception>
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

    /// <summary>The addresses on which the sockets of a bridge listen.</summary>
    public IReadOnlyList<string> AddressesOf(string bridge) => [.. _sockets[bridge].Select(InheritedSocket.Describe)];

    public void Dispose()
    {
        foreach (SafeFileHandle socket in _sockets.SelectMany(group => group))
            socket.Dispose();
    }

    /// <summary>Takes ownership of the descriptors.</summary>
    /// <exception cref="UserErrorException">One of them was not passed.</exception>
    public static ActivationSockets Adopt(IEnumerable<ActivationFd> descriptors) =>
        new(descriptors.ToLookup(descriptor => descriptor.Name, descriptor => Adopt(descriptor.Descriptor)));

    /// <remarks>LISTEN_FDS may be wrong, and the number that of a file which this process has opened by itself.</remarks>
    private static SafeFileHandle Adopt(int descriptor) => Libc.IsInheritable(descriptor)
        ? InheritedSocket.Adopt(descriptor)
        : throw new UserErrorException(
            $"LISTEN_FDS announces the descriptor {descriptor}, which was not passed: "
                + "the program that starts nsbridge with LISTEN_PID and LISTEN_FDS has to pass as many sockets", ExitCode.Failed);
}
