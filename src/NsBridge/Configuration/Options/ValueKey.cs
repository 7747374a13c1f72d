using System.Globalization;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

/// <summary>Parses the text of one value; the fault says what would be right.</summary>
internal delegate bool Parser<T>(string text, out T value, out string fault);

/// <summary>A row of the table: a key with a value. Defaults, hints, documents and what a reload may change follow from it.</summary>
internal abstract class ValueKey(string name, KeyKind kind) : Key(name, kind)
{
    /// <summary>The key with its section, as it stands in the documents.</summary>
    public string Path { get; init; } = name;
    /// <summary>Whether a running daemon takes over a new value without touching a listener or a connection.</summary>
    public bool MayChange { get; init; }
    /// <summary>The fault if the key is absent; null if it may be.</summary>
    public string? Missing { get; init; }
    /// <summary>The default as it would be written; null if there is no single one.</summary>
    public string? DefaultText { get; init; }
    /// <summary>The default in words, in place of <see cref="DefaultText"/>.</summary>
    public string? DefaultNote { get; init; }
    public required JsonShape Json { get; init; }
    public abstract object? Default { get; }
    /// <summary>Parses one value, or one entry of a list, and holds it against the row's limits.</summary>
    public abstract bool TryParse(string text, out object? value, out string fault);
    /// <summary>The value of a key with these parsed entries, one or, if it is a list, any number.</summary>
    public abstract object? Combine(IReadOnlyList<object?> entries);
    /// <summary>Null if the value is within the row's limits; else what would be right.</summary>
    public abstract string? FaultOf(object? value);
}

/// <typeparam name="T">The type of the parsed value.</typeparam>
internal abstract class ValueKey<T>(string name, KeyKind kind, T defaultValue) : ValueKey(name, kind)
{
    public override object? Default { get; } = defaultValue;
}

/// <summary>A key with one value; the limit gives the fault of a parsed value outside it, else null.</summary>
internal sealed class SingleKey<T>(string name, Parser<T> parse, T defaultValue, Func<T, string?>? limit = null)
    : ValueKey<T>(name, KeyKind.Value, defaultValue)
{
    public override bool TryParse(string text, out object? value, out string fault)
    {
        bool isParsed = parse(text, out T parsed, out fault);
        value = parsed;
        if (!isParsed || limit?.Invoke(parsed) is not { } beyond)
            return isParsed;
        fault = beyond;
        return false;
    }

    public override object? Combine(IReadOnlyList<object?> entries) => entries[0];
    public override string? FaultOf(object? value) => limit?.Invoke((T)value!);
}

/// <summary>A key with one value or a list of them; the list is empty if the key is left out.</summary>
internal sealed class ListKey<T>(string name, Parser<T> parse) : ValueKey<ValueList<T>>(name, KeyKind.ValueOrList, ValueList<T>.Empty)
{
    public override bool TryParse(string text, out object? value, out string fault)
    {
        bool isParsed = parse(text, out T parsed, out fault);
        value = parsed;
        return isParsed;
    }

    public override object Combine(IReadOnlyList<object?> entries) => new ValueList<T>([.. entries.Cast<T>()]);
    public override string? FaultOf(object? value) => null;
}

/// <summary>What the JSON schema says of a value.</summary>
/// <param name="Types">The JSON types that are accepted, the preferred one first.</param>
internal sealed record JsonShape(params string[] Types)
{
    public string? Pattern { get; init; }
    /// <summary>The only words that may stand here.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];
    /// <summary>The limits of a number, both included.</summary>
    public (int Least, int Most)? Range { get; init; }
    public IReadOnlyList<string> Examples { get; init; } = [];
}

/// <summary>Rows of the kinds that several keys share: words, flags, numbers, durations.</summary>
internal static class KeyKinds
{
    /// <summary>In milliseconds.</summary>
    public const int Day = 86_400_000;

    /// <summary>One of the words of an enumeration, in any case.</summary>
    public static SingleKey<T> Words<T>(string name, T defaultValue, string help, bool mayChange = false, string? defaultNote = null)
        where T : struct, Enum
    {
        string[] words = [.. Enum.GetNames<T>().Select(word => word.ToLowerInvariant())];
        string choices = $"write {string.Join(", ", words[..^1])} or {words[^1]}";
        return new SingleKey<T>(name, TryParse, defaultValue)
        {
            Help = help,
            MayChange = mayChange,
            DefaultText = defaultNote is null ? defaultValue.ToString().ToLowerInvariant() : null,
            DefaultNote = defaultNote,
            Json = new JsonShape("string") { Words = words },
        };
        // Enum.TryParse alone also takes numbers, and words with commas between them.
        bool TryParse(string text, out T value, out string fault)
        {
            value = default;
            bool isWord = words.Contains(text, StringComparer.OrdinalIgnoreCase) && Enum.TryParse(text, ignoreCase: true, out value);
            fault = isWord ? "" : choices;
            return isWord;
        }
    }

    public static SingleKey<bool> Flag(string name, bool defaultValue, string help, bool mayChange = false) => new(
        name, TryParseFlag, defaultValue)
    {
        Help = help,
        MayChange = mayChange,
        DefaultText = defaultValue ? "true" : "false",
        Json = new JsonShape("boolean"),
    };

    /// <summary>A whole number from 0, which is also the default.</summary>
    public static SingleKey<int> Number(string name, int most, string help, bool mayChange = false)
    {
        string right = string.Create(CultureInfo.InvariantCulture, $"write a whole number from 0 to {most}");
        return new SingleKey<int>(name, TryParse, 0, value => value >= 0 && value <= most ? null : right)
        {
            Help = help,
            MayChange = mayChange,
            DefaultText = "0",
            Json = new JsonShape("integer") { Range = (0, most) },
        };
        bool TryParse(string text, out int value, out string fault)
        {
            bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
            fault = isNumber ? "" : right;
            return isNumber;
        }
    }

    /// <summary>A duration within limits in milliseconds, both included.</summary>
    public static SingleKey<TimeSpan> Duration(
        string name, TimeSpan defaultValue, int least, int most, string help,
        bool mayChange = false, bool wholeSeconds = false, string? defaultNote = null)
    {
        return new SingleKey<TimeSpan>(name, DurationText.TryParse, defaultValue, Limit)
        {
            Help = help,
            MayChange = mayChange,
            DefaultText = defaultNote is null ? defaultValue.ToString("c", CultureInfo.InvariantCulture) : null,
            DefaultNote = defaultNote,
            Json = new JsonShape("string")
            {
                Pattern = $"^{DurationText.Pattern}{(wholeSeconds ? @"(\.0{1,7})?" : @"(\.[0-9]{1,7})?")}$",
                Examples = ["00:00:30"],
            },
        };
        string? Limit(TimeSpan value) => value < TimeSpan.FromMilliseconds(least) ? "the duration must be more than zero"
            : value > TimeSpan.FromMilliseconds(most) ? $"the duration is at most {TimeSpan.FromMilliseconds(most):c}"
            : wholeSeconds && value.Ticks % TimeSpan.TicksPerSecond != 0 ? "write whole seconds (hh:mm:ss)"
            : null;
    }

    private static bool TryParseFlag(string text, out bool value, out string fault)
    {
        value = text.Equals("true", StringComparison.OrdinalIgnoreCase);
        bool isFlag = value || text.Equals("false", StringComparison.OrdinalIgnoreCase);
        fault = isFlag ? "" : "write true or false";
        return isFlag;
    }
}
