using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Discover;

/// <summary>A bridge entry to be written into a configuration.</summary>
/// <param name="Name">Valid, and unique in the configuration.</param>
/// <param name="Listen">As in the configuration; null for none.</param>
/// <param name="Namespace">As in the configuration; null for none.</param>
/// <param name="Target">As in the configuration; null for none.</param>
/// <param name="Protocol">Written if it is not TCP.</param>
/// <param name="Socket">The path of the UNIX socket; null leaves it to the daemon.</param>
/// <param name="Note">A comment before it, one line.</param>
internal sealed record BridgeDraft(
    string Name, ValueList<string>? Listen, string? Namespace, string? Target,
    BridgeProtocol Protocol = BridgeProtocol.Tcp, string? Socket = null, string? Note = null)
{
    private const int LongestName = 64;

    /// <summary>Where the listener lives; null for the host.</summary>
    public string? ListenNamespace { get; init; }

    /// <summary>As in the configuration; null for everyone.</summary>
    public ValueList<string>? AllowFrom { get; init; }

    // As in the configuration; null for the default.
    public string? SocketMode { get; init; }
    public string? SocketGroup { get; init; }
    public string? MaxConnections { get; init; }
    public string? ConnectTimeout { get; init; }
    public string? IdleTimeout { get; init; }
    public string? Join { get; init; }

    /// <summary>The entry as JSON on one line.</summary>
    public string ToJson()
    {
        var text = new StringBuilder("{ ");
        Append(text, "Name", Name);
        if (Protocol == BridgeProtocol.Udp)
            Append(text, "Protocol", "udp");
        AppendList(text, "Listen", Listen);
        Append(text, "ListenNamespace", ListenNamespace);
        AppendList(text, "AllowFrom", AllowFrom);
        Append(text, "MaxConnections", MaxConnections);
        Append(text, "Socket", Socket);
        Append(text, "SocketMode", SocketMode);
        Append(text, "SocketGroup", SocketGroup);
        Append(text, "Namespace", Namespace);
        Append(text, "Target", Target);
        Append(text, "Join", Join);
        Append(text, "ConnectTimeout", ConnectTimeout);
        Append(text, "IdleTimeout", IdleTimeout);
        return text.Append(" }").ToString();
    }

    /// <summary>A name of a bridge made from any text, not yet taken; remembers it as taken.</summary>
    public static string NameFrom(string text, HashSet<string> taken)
    {
        string letters = string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? c : '-'))
            .TrimStart('.', '_', '-');
        letters = letters.Length == 0 ? "bridge" : letters[..Math.Min(letters.Length, LongestName - 4)];
        string name = letters;
        for (int i = 2; !taken.Add(name); i++)
            name = $"{letters}-{i}";
        return name;
    }

    /// <summary>One value stands alone.</summary>
    private static void AppendList(StringBuilder text, string key, ValueList<string>? values)
    {
        if (values is { Count: > 1 })
            AppendJson(text, key, $"[{string.Join(", ", values.Select(Quoted))}]");
        else
            Append(text, key, values?[0]);
    }

    private static void Append(StringBuilder text, string key, string? value)
    {
        if (value is not null)
            AppendJson(text, key, Quoted(value));
    }

    private static void AppendJson(StringBuilder text, string key, string json)
    {
        if (text.Length > 2)
            text.Append(", ");
        text.Append('"').Append(key).Append("\": ").Append(json);
    }

    private static string Quoted(string value) => $"\"{JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}

/// <summary>Drafts as a list that may stand behind <c>"Bridges":</c> as it is; comments are allowed there.</summary>
internal static class DraftText
{
    public static string Of(IReadOnlyList<BridgeDraft> drafts)
    {
        var text = new StringBuilder("[\n");
        for (int i = 0; i < drafts.Count; i++)
        {
            if (drafts[i].Note is { } note)
                text.Append("  // ").Append(note).Append('\n');
            text.Append("  ").Append(drafts[i].ToJson()).Append(i < drafts.Count - 1 ? ",\n" : "\n");
        }
        return text.Append(']').ToString();
    }
}
