using NsBridge.Base;

namespace NsBridge.Control;

/// <summary>What is to be said of a <see cref="StatusDocument"/> in words, for a terminal and for a page. Parts of it come from
/// elsewhere.</summary>
internal static class StatusWords
{
    /// <summary>What is wrong comes last, where the eye ends.</summary>
    private static readonly string[] s_order = ["up", "disabled", "waiting", "failed"];

    /// <summary><c>3 bridges, 2 up, 1 waiting</c>.</summary>
    public static string Summary(StatusDocument document)
    {
        if (document.Bridges.Count == 0)
            return "no bridges";
        IEnumerable<string> states = document.Bridges.CountBy(bridge => bridge.State).OrderBy(state => Array.IndexOf(s_order, state.Key))
            .Select(state => $"{state.Value} {state.Key}");
        return $"{(document.Bridges.Count == 1 ? "1 bridge" : $"{document.Bridges.Count} bridges")}, {string.Join(", ", states)}";
    }

    /// <summary>Lines on a bridge: its reason, the last failure, clients that were not served.</summary>
    public static IEnumerable<string> Of(BridgeStatus bridge, DateTimeOffset now) =>
        new[] { bridge.Reason, Failing(bridge.LastFailure, now), LostClients(bridge.Connections) }.Where(line => line.Length > 0);

    /// <summary>Why clients fail although the bridge is up, until one reaches the target.</summary>
    private static string Failing(FailureStatus? failure, DateTimeOffset now)
    {
        if (failure is null)
            return "";
        string clients = failure.Count == 1 ? "1 client" : $"{Amount.OfCount(failure.Count)} clients";
        return $"last failure {Amount.OfTime(now - failure.At)} ago: {failure.Reason}; {clients}";
    }

    private static string LostClients(ConnectionCounts counts)
    {
        (long Count, string Word)[] lost = [(counts.Refused, "refused"), (counts.Failed, "failed")];
        string words = string.Join(", ", lost.Where(part => part.Count > 0).Select(part => $"{Amount.OfCount(part.Count)} {part.Word}"));
        return words.Length == 0 ? "" : $"clients: {words}";
    }
}
