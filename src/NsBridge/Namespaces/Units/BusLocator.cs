using NsBridge.Linux;
using NsBridge.Namespaces.Locating;
using NsBridge.Systemd;

namespace NsBridge.Namespaces.Units;

/// <summary>What systemd or systemd-machined answers about a unit or a machine.</summary>
/// <param name="Location">Where its network is.</param>
/// <param name="ControlGroup">The control group of its processes, from the root of the hierarchy.</param>
internal sealed record BusAnswer(NamespaceLocation Location, string ControlGroup = "")
{
    /// <summary>Whether it gets a network of its own (<c>PrivateNetwork=</c>), which its process may not have entered yet.</summary>
    public bool IsPrivate { get; init; }
}

/// <summary>Locates what is known on the bus. Asked once a second, which takes systemd well under a millisecond.</summary>
/// <remarks>What runs in the host's network is refused even if the daemon itself is in another one: the namespace of process 1 identifies
/// the host's.</remarks>
internal abstract class BusLocator(string description) : INamespaceLocator, IDisposable
{
    private const int SystemdProcess = 1;

    private SystemBus? _bus;

    public string Description { get; } = description;

    public TimeSpan Freshness { get; } = TimeSpan.FromSeconds(1);

    protected abstract Task<SystemBus> ConnectAsync(CancellationToken cancel);

    protected abstract Task<BusAnswer> AskAsync(SystemBus bus, CancellationToken cancel);

    public async Task<NamespaceLocation> LocateAsync(CancellationToken cancel) => (await AskAsync(cancel)).Location;

    public async Task<NamespaceLocation?> VerifyAsync(NamespaceLocation location, CancellationToken cancel)
    {
        // The number was read before the pidfd was opened: the process is the meant one if it is still named and in the control group.
        BusAnswer now = await AskAsync(cancel);
        if (now.Location != location)
            return NamespaceLocation.Waiting($"{Description} is just being restarted");
        if (ProcessFiles.ControlGroups(location.Process) is { } groups && !groups.Any(group => IsWithin(group, now.ControlGroup)))
        {
            return NamespaceLocation.Refused(
                $"process {location.Process} is not {Description}'s as seen from here: "
                    + "systemd counts processes in another pid or control group namespace");
        }
        if (ProcessFiles.NetworkNamespace(location.Process) is not { } place || place != ProcessFiles.NetworkNamespace(SystemdProcess))
            return null;
        return now.IsPrivate
            ? NamespaceLocation.Waiting($"{Description} is starting and not in its own network yet")
            : NamespaceLocation.Refused($"{Description} has no network of its own but runs in the host's; write \"host\" if that is meant");
    }

    private async Task<BusAnswer> AskAsync(CancellationToken cancel)
    {
        try
        {
            _bus ??= await ConnectAsync(cancel);
            return await AskAsync(_bus, cancel);
        }
        catch
        {
            // A late answer must not be taken for that of the next call.
            _bus?.Dispose();
            _bus = null;
            throw;
        }
    }

    public void Dispose() => _bus?.Dispose();

    private static bool IsWithin(string group, string outer) =>
        outer.Length > 0 && (group == outer || group.StartsWith(outer + "/", StringComparison.Ordinal));
}
