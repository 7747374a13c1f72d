namespace NsBridge.Testing;

/// <summary>The test proves a promise of <c>docs/promises.md</c>; <c>--filter Promise=tcp.reset</c> selects by it.</summary>
/// <param name="id">The promise's id, as in <c>tcp.reset</c>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class PromiseAttribute(string id) : PropertyAttribute("Promise", id)
{
    /// <summary>The promise's id.</summary>
    public string Id { get; } = id;
}
