using System.Globalization;
using NsBridge.Linux;

namespace NsBridge.Configuration.Values;

/// <summary>Reads a group's name, which must exist, or its number.</summary>
internal static class GroupText
{
    public static bool TryParse(string text, out uint value, out string fault)
    {
        fault = "";

        // The last number means "leave it" to chown(2).
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value != uint.MaxValue)
            return true;
        if (text.Length > 0 && !text.Contains('\0', StringComparison.Ordinal) && GroupDatabase.TryFind(text, out value))
            return true;
        fault = text.Length == 0
            ? "write a group's name or number, or leave the key out"
            : "this system has no such group; write the name of one that exists or a number";
        return false;
    }
}
