using System.Globalization;
using NsBridge.Linux;

namespace NsBridge.Configuration.Values;

/// <summary>The group of a socket's file.</summary>
internal sealed record SocketGroup(string Text, uint Id)
{
    public override string ToString() => Text;

    /// <summary>Parses a group's name, which must exist, or its number.</summary>
    public static bool TryParse(string text, out SocketGroup value, out string fault)
    {
        fault = "";
        // chown(2) takes the last number as "leave it".
        bool isNumber = uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id) && id != uint.MaxValue;
        bool isKnown = isNumber
            || (text.Length > 0 && !text.Contains('\0', StringComparison.Ordinal) && GroupDatabase.TryFind(text, out id));
        if (!isKnown)
        {
            fault = text.Length == 0
                ? "write a group's name or number, or leave the key out"
                : "this system has no such group; write the name of one that exists or a number";
        }
        value = new SocketGroup(text, id);
        return isKnown;
    }
}
