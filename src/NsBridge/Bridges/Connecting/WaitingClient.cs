namespace NsBridge.Bridges.Connecting;

/// <summary>A client who waits to be handed over.</summary>
/// <param name="Accepted">The client.</param>
/// <param name="Since">When it came, by the loop's clock.</param>
internal readonly record struct WaitingClient(AcceptedClient Accepted, long Since);
