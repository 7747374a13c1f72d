using System.Globalization;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Reads values that their attributes have checked; what was left out or refused becomes the default.</summary>
internal static class ValueReader
{
    public static TimeSpan Duration(string? text, TimeSpan otherwise) =>
        text is not null && DurationText.TryParse(text, out TimeSpan value, out _) ? value : otherwise;

    public static int Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0;

    public static bool Flag(string? text, bool otherwise) => bool.TryParse(text, out bool value) ? value : otherwise;

    /// <summary>A word of an enumeration; the attribute has refused numbers and everything else.</summary>
    public static T Word<T>(string? text, T otherwise)
        where T : struct, Enum => Enum.TryParse<T>(text, ignoreCase: true, out T value) && Enum.IsDefined(value) ? value : otherwise;

    public static NamespaceReference? Namespace(string? text) =>
        text is not null && NamespaceReference.TryParse(text, out NamespaceReference? value, out _) ? value : null;
}
