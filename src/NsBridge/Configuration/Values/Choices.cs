namespace NsBridge.Configuration.Values;

internal enum BridgeProtocol
{
    Tcp,
    Udp,
}

/// <summary>How the two halves of a bridge join over its UNIX socket.</summary>
internal enum JoinMode
{
    /// <summary>Passes the accepted connection; its bytes are relayed once.</summary>
    Handoff,
    /// <summary>Passes the connection's bytes.</summary>
    Relay,
}

/// <summary>The version of HAProxy's PROXY protocol header that carries the client's address to the target.</summary>
internal enum ProxyProtocol
{
    None,
    V1,
    V2,
}

/// <summary>Whose address the target sees.</summary>
internal enum SourceAddress
{
    /// <summary>One inside the namespace.</summary>
    Bridge,
    /// <summary>The client's own.</summary>
    Client,
}

/// <summary>What happens to live connections when their namespace is deleted.</summary>
internal enum WhenNamespaceGoes
{
    /// <summary>Reset, so that the kernel frees the namespace.</summary>
    Close,
    /// <summary>Left to end by themselves.</summary>
    Drain,
}

/// <summary>Whether an event loop may poll briefly before it sleeps.</summary>
internal enum BusyPollMode
{
    /// <summary>If measuring shows that it pays.</summary>
    Auto,
    Off,
}
