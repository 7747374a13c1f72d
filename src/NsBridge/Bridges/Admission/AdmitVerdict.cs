namespace NsBridge.Bridges.Admission;

/// <summary>Whether a client is let in, and if not, why.</summary>
internal enum AdmitVerdict
{
    Admitted,

    /// <summary>Its address is in none of the networks of <c>AllowFrom</c>.</summary>
    NotAllowed,

    /// <summary>The bridge has <c>MaxConnections</c> already.</summary>
    BridgeFull,

    /// <summary>Its address has <c>MaxConnectionsPerClient</c> already.</summary>
    ClientFull,
}
