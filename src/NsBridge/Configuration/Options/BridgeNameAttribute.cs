namespace NsBridge.Configuration.Options;

internal sealed class BridgeNameAttribute : WrittenAttribute
{
    private const int Longest = 64;

    protected override string? FaultOf(string text)
    {
        // An empty name is the matter of [Required].
        if (text.Length == 0)
            return null;
        bool right = text.Length <= Longest && char.IsAsciiLetterOrDigit(text[0]);
        foreach (char c in text)
            right &= char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
        return right ? null : "a name is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit";
    }
}
