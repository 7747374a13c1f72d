namespace NsBridge.Configuration.Values;

internal static class Refuse
{
    /// <summary>Ends a parser with the fault; always false.</summary>
    public static bool With(string text, out string fault)
    {
        fault = text;
        return false;
    }
}
