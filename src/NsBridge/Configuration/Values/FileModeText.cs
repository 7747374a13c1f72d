namespace NsBridge.Configuration.Values;

/// <summary>Parses a file mode in octal text, with or without its leading zero.</summary>
internal static class FileModeText
{
    /// <summary>The same for the JSON schema.</summary>
    public const string Pattern = "^0?[0-7]{3}$";

    private const int Most = 0b111_111_111;

    public static bool TryParse(string text, out int value, out string fault)
    {
        (value, fault) = (0, "");
        bool isOctal = text.Length is 3 or 4 && !text.AsSpan().ContainsAnyExceptInRange('0', '7');
        value = isOctal ? Convert.ToInt32(text, 8) : 0;
        return (isOctal && value <= Most) || Refuse.With("write the file mode in octal, \"0600\" to \"0777\"", out fault);
    }
}
