namespace NsBridge.Metrics;

/// <summary>What each metric means, in one sentence for every way it is read.</summary>
internal static class MetricTexts
{
    public const string Up = "Whether the bridge's listener is bound and its namespace can be entered; none for one that is switched off.";
    public const string Active = "Connections open now.";
    public const string Connections = "Connections that have ended, by result: served, refused (before anything was dialled), failed (target not reached).";
    public const string Bytes = "Bytes passed on, by direction.";
    public const string Connect = "Time until the target had accepted the connection.";
}
