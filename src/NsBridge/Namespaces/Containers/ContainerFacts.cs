namespace NsBridge.Namespaces.Containers;

/// <summary>A container as its engine tells it.</summary>
/// <param name="Id">64 hexadecimal digits.</param>
/// <param name="Status">In the engine's words: <c>running</c>, <c>exited</c>, …</param>
/// <param name="Process">Its first process, counted as on the host; 0 where it does not run.</param>
/// <param name="IsHostNetwork">Whether it was made with the host's network.</param>
internal sealed record ContainerFacts(string Id, string Status, int Process, bool IsHostNetwork);
