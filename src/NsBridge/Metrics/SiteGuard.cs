using System.Net;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Refuses what the page of another site makes a browser ask.</summary>
/// <remarks>A browser reports in Sec-Fetch-Site whose page asks, but not to every address. Host has the name that was asked for: one of
/// another site may lead to this machine (DNS rebinding), but not one that this machine has by itself. Prometheus may use any name for
/// <c>/metrics</c>.</remarks>
internal static class SiteGuard
{
    /// <summary>Why the request is refused; null if it is not.</summary>
    public static string? Refusal(in HttpRequestHead request)
    {
        if (request.FetchSite is not (null or "none" or "same-origin"))
            return "The page of another site asks for this. Enter the address by hand.\n";
        return request.Path == "/metrics" || request.Host is not { } host || IsOwn(host)
            ? null
            : $"Use an IP address of this machine, localhost or {Environment.MachineName}: another name may be that of another site.\n";
    }

    private static bool IsOwn(string host)
    {
        int port = host.LastIndexOf(':');
        string name = port > host.LastIndexOf(']') ? host[..port] : host;
        return IPAddress.TryParse(name, out _)
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase)
            // Multicast DNS: no name server of another site answers for it.
            || name.Equals($"{Environment.MachineName}.local", StringComparison.OrdinalIgnoreCase);
    }
}
