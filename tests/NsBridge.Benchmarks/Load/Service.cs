namespace NsBridge.Benchmarks.Load;

/// <summary>What listens inside the namespace.</summary>
internal enum Service
{
    /// <summary>Sends back what comes.</summary>
    Echo,

    /// <summary>Takes what comes, and says after each MiB how many bytes it has got (64 bits, native order).</summary>
    Sink,

    /// <summary>Sends without an end.</summary>
    Source,
}
