namespace NsBridge.Configuration.Values;

/// <summary>Where <c>/metrics</c> is served: a TCP address with one port, or a UNIX socket; exactly one of both is set.</summary>
/// <param name="Text">As the operator wrote it.</param>
/// <param name="Tcp">Has one port; null for a UNIX socket.</param>
/// <param name="UnixPath">Absolute; null for an address.</param>
internal sealed record MetricsEndpoint(string Text, ListenEndpoint? Tcp, string? UnixPath)
{
    public override string ToString() => Text;

    public static bool TryParse(string text, out MetricsEndpoint value, out string fault)
    {
        value = null!;
        if (text.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
        {
            if (!TargetEndpoint.TryParse(text, out TargetEndpoint unix, out fault))
                return false;
            value = new MetricsEndpoint(text, null, unix.UnixName);
            return unix.Kind == TargetKind.UnixPath || Refuse.With("metrics are served at ADDR:PORT or unix:/path", out fault);
        }
        if (text.Contains(',', StringComparison.Ordinal))
            return Refuse.With("metrics are served at one address", out fault);
        if (!ListenEndpoint.TryParse(text, out ListenEndpoint tcp, out fault))
            return false;
        value = new MetricsEndpoint(text, tcp, null);
        return tcp.Ports.Count == 1 || Refuse.With("metrics are served at one port", out fault);
    }
}
