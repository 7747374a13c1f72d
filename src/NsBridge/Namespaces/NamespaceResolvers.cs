using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Namespaces.Containers;
using NsBridge.Namespaces.Locating;
using NsBridge.Namespaces.Units;
using NsBridge.Systemd;

namespace NsBridge.Namespaces;

/// <summary>Turns a reference into a way to enter the namespace. Called by event loops: never blocks, and answers from what is
/// known.</summary>
internal interface INamespaceResolver
{
    /// <returns>The way in; null, with the state to show, if the reference leads nowhere now.</returns>
    NetworkNamespace? Resolve(out NamespaceState absent);
}

/// <summary>A name, a path or the host: the way in never changes, only what is found there.</summary>
internal sealed class PathResolver(NetworkNamespace network) : INamespaceResolver
{
    public NetworkNamespace? Resolve(out NamespaceState absent)
    {
        absent = NamespaceState.Unknown;
        return network;
    }
}

/// <summary>Chooses how a reference is resolved.</summary>
internal static class NamespaceResolvers
{
    /// <param name="reference">The configured reference.</param>
    /// <param name="changed">Called on any thread when the reference leads elsewhere and no change of mounts shows it; must be
    /// quick.</param>
    /// <returns>A resolver; if it is disposable, the caller disposes it.</returns>
    public static INamespaceResolver For(NamespaceReference reference, Action changed) => reference.Kind switch
    {
        NamespaceKind.Host => new PathResolver(NetworkNamespace.Own),
        NamespaceKind.Name or NamespaceKind.Path => new PathResolver(NetworkNamespace.AtPath(reference.FilePath!)),
        NamespaceKind.Pid => new PidResolver(reference.Pid),
        _ => new PollingResolver(LocatorOf(reference, SystemBus.IsInSession), changed),
    };

    /// <summary>The locator of a unit, machine or container.</summary>
    /// <param name="reference">The configured reference.</param>
    /// <param name="isOfSession">Whether a unit is one of the user's own systemd: the daemon is the user's.</param>
    public static INamespaceLocator LocatorOf(NamespaceReference reference, bool isOfSession) => reference.Kind switch
    {
        NamespaceKind.Unit => new UnitLocator(reference.Value, isOfSession),
        NamespaceKind.Machine => new MachineLocator(reference.Value),
        NamespaceKind.Container => ContainerLocator.OfMachine(reference.Value),
        _ => throw new ArgumentOutOfRangeException(nameof(reference), reference.Text, "no locator for this kind"),
    };
}
