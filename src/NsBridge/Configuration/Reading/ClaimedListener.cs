using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>An endpoint that is taken.</summary>
/// <param name="endpoint">What is listened on.</param>
/// <param name="path">The key that takes it.</param>
internal sealed class ClaimedListener(ListenEndpoint endpoint, string path)
{
    public ListenEndpoint Endpoint => endpoint;

    public string Path => path;
}
