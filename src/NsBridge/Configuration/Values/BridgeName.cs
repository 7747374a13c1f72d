namespace NsBridge.Configuration.Values;

/// <summary>Checks the name of a bridge.</summary>
internal static class BridgeName
{
    public const string Missing = "every bridge needs a name of its own";
    /// <summary>The same for the JSON schema.</summary>
    public const string Pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
    private const int Longest = 64;

    public static bool TryParse(string text, out string value, out string fault)
    {
        value = text;
        fault = text.Length == 0 ? Missing : IsRight(text) ? ""
            : "a name is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit";
        return fault.Length == 0;
    }

    private static bool IsRight(string text) => text.Length <= Longest && char.IsAsciiLetterOrDigit(text[0])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
