using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Namespaces.Containers;
using NsBridge.Namespaces.Units;

namespace NsBridge.Namespaces;

/// <summary>Chooses how a reference is resolved.</summary>
internal static class NamespaceResolvers
{
    /// <param name="reference">What the operator wrote.</param>
    /// <param name="changed">Called, on any thread, when the reference leads elsewhere and no change of mounts tells it; must be quick.</param>
    /// <returns>A resolver; where it is <see cref="IDisposable"/>, its user ends it.</returns>
    public static INamespaceResolver For(NamespaceReference reference, Action changed) => reference.Kind switch
    {
        NamespaceKind.Host => new PathResolver(NetworkNamespace.Own),
        NamespaceKind.Name or NamespaceKind.Path => new PathResolver(NetworkNamespace.AtPath(reference.FilePath!)),
        NamespaceKind.Pid => new PidResolver(reference.Pid),
        NamespaceKind.Unit => new PollingResolver(new UnitLocator(reference.Value), changed),
        NamespaceKind.Container => new PollingResolver(ContainerLocator.OfMachine(reference.Value), changed),
        _ => throw new ArgumentOutOfRangeException(nameof(reference), reference.Text, "no resolver for this kind"),
    };
}
