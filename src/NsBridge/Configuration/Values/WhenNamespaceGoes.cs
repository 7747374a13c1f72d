namespace NsBridge.Configuration.Values;

/// <summary>What becomes of live connections whose namespace was deleted.</summary>
internal enum WhenNamespaceGoes
{
    /// <summary>Reset them, so that the kernel frees the namespace.</summary>
    Close,

    /// <summary>Let them end by themselves.</summary>
    Drain,
}
