using NsBridge.Configuration;
using NsBridge.Linux;

namespace NsBridge.Namespaces;

/// <summary>Chooses how a reference is resolved.</summary>
internal static class NamespaceResolvers
{
    public static INamespaceResolver For(NamespaceReference reference) => reference.Kind switch
    {
        NamespaceKind.Host => new FixedResolver(NetworkNamespace.Own),
        NamespaceKind.Name or NamespaceKind.Path => new FixedResolver(NetworkNamespace.AtPath(reference.FilePath!)),
        NamespaceKind.Pid => new ProcessResolver(reference.Pid),
        _ => throw new ArgumentOutOfRangeException(nameof(reference), reference.Text, "no resolver for this kind"),
    };
}
