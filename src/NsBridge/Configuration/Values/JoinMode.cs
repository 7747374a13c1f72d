namespace NsBridge.Configuration.Values;

/// <summary>How the two halves of a bridge join over its UNIX socket.</summary>
internal enum JoinMode
{
    /// <summary>The accepted connection itself is passed; its bytes are relayed once.</summary>
    Handoff,

    /// <summary>The connection's bytes are passed.</summary>
    Relay,
}
