namespace NsBridge.Benchmarks.Load;

/// <summary>A socket of the services.</summary>
internal sealed record ServedConnection(int Descriptor, Service Service, bool IsListener)
{
    /// <summary>What an echo could not send yet.</summary>
    internal byte[]? Pending { get; set; }

    /// <summary>Bytes that a sink has taken.</summary>
    internal long Taken;
}
