namespace NsBridge.Configuration;

/// <summary>An endpoint that is taken, and by which key.</summary>
internal sealed record ClaimedListener(ListenEndpoint Endpoint, BridgeProtocol Protocol, NamespaceReference Place, string Path)
{
    public bool Conflicts(ClaimedListener other) =>
        Protocol == other.Protocol && Place.SamePlace(other.Place) && ListenOverlap.Between(Endpoint, other.Endpoint);
}
