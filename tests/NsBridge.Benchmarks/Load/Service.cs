namespace NsBridge.Benchmarks.Load;

/// <summary>What listens inside the namespace.</summary>
internal enum Service
{
    /// <summary>Sends back what comes.</summary>
    Echo,

    /// <summary>Receives, and sends its total after each MiB (64 bits, native order).</summary>
    Sink,

    /// <summary>Sends without an end.</summary>
    Source,
}
