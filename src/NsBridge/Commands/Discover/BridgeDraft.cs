using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Discover;

/// <summary>A bridge entry to be written into a configuration.</summary>
/// <param name="Name">Valid, and unique where it will stand.</param>
/// <param name="Listen">As in the configuration; null for none.</param>
/// <param name="Namespace">As in the configuration; null for none.</param>
/// <param name="Target">As in the configuration; null for none.</param>
/// <param name="Protocol">Written where it is not TCP.</param>
/// <param name="Socket">The path of the UNIX socket; null leaves it to the daemon.</param>
/// <param name="Note">A comment to go before it, one line.</param>
internal sealed record BridgeDraft(
    string Name, ValueList<string>? Listen, string? Namespace, string? Target, BridgeProtocol Protocol = BridgeProtocol.Tcp, string? Socket = null, string? Note = null)
{
    private const int LongestName = 64;

    /// <summary>Where the listener lives; null for the host.</summary>
    public string? ListenNamespace { get; init; }

    /// <summary>Octal; null for the default.</summary>
    public string? SocketMode { get; init; }

    /// <summary>A name or number; null for none.</summary>
    public string? SocketGroup { get; init; }

    /// <summary>A number; null for no limit.</summary>
    public string? MaxConnections { get; init; }

    /// <summary>One network; null for everyone.</summary>
    public string? AllowFrom { get; init; }

    /// <summary>As in the configuration; null for the default.</summary>
    public string? ConnectTimeout { get; init; }

    /// <summary>As in the configuration; null for the default.</summary>
    public string? IdleTimeout { get; init; }

    /// <summary>As in the configuration; null for the default.</summary>
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
        Append(text, "AllowFrom", AllowFrom);
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
        string letters = string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-')).TrimStart('.', '_', '-');
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
