using NsBridge.Linux;
using NsBridge.Namespaces;

namespace NsBridge.ComponentTests.Namespaces;

/// <summary>A reference that leads where a test sets it, at first nowhere.</summary>
internal sealed class ScriptedResolver : INamespaceResolver
{
    /// <summary>Why it leads nowhere.</summary>
    public required NamespaceState State { get; set; }

    /// <summary>Where it leads.</summary>
    public NetworkNamespace? Network { get; set; }

    public NetworkNamespace? Resolve(out NamespaceState absent)
    {
        absent = State;
        return Network;
    }
}
