using NsBridge.Linux;

namespace NsBridge.Namespaces;

/// <summary>Turns a reference into a way to enter the namespace. Called by event loops: answers at once, from what is known.</summary>
internal interface INamespaceResolver
{
    /// <returns>The way in; null, with the state to show, where the reference leads nowhere now.</returns>
    NetworkNamespace? Resolve(out NamespaceState absent);
}
