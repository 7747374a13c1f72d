using Microsoft.Extensions.Logging;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>Finds the faults below <c>Logging</c>. The framework reads the section only when the host is built, and throws at the first
/// level it does not know.</summary>
internal sealed class LoggingRules(IReadOnlyDictionary<string, string> environment, List<ConfigurationFault> faults)
{
    private const string LogLevelKey = "LogLevel";
    private static readonly string s_levels = string.Join(", ", Enum.GetNames<LogLevel>());

    /// <param name="foreign">The framework's values by path.</param>
    /// <returns>Every value below <c>Logging</c>, ordered by path, so that equal ones compare equal.</returns>
    public ValueList<LogSetting> Read(IReadOnlyDictionary<string, string?> foreign)
    {
        var settings = new List<LogSetting>();
        foreach ((string path, string? value) in foreign.OrderBy(entry => entry.Key, StringComparer.OrdinalIgnoreCase))
        {
            string[] keys = path.Split(':');
            if (!Is(keys[0], KeyTable.Logging))
                continue;
            settings.Add(new LogSetting(path, value));
            if (FaultOf(keys, value) is { } message)
                faults.Add(new ConfigurationFault(path, value, message + SourceOf(path, value)));
        }
        return [.. settings];
    }

    private static string? FaultOf(string[] keys, string? value)
    {
        if (keys.Length == 1)
            return "keys in braces are expected here: { \"LogLevel\": { \"Default\": \"Information\" } }";
        // Levels are for all providers (Logging:LogLevel) or for one (Logging:Console:LogLevel).
        if (Is(keys[1], LogLevelKey))
            return FaultOfLevel(keys.AsSpan(2), value);
        if (keys.Length > 2 && Is(keys[2], LogLevelKey))
            return FaultOfLevel(keys.AsSpan(3), value);
        if (EditDistance.Between(keys[1].ToUpperInvariant(), LogLevelKey.ToUpperInvariant()) <= 2)
            return $"there is no such key; did you mean {LogLevelKey}?";
        if (keys.Length > 2)
            return null;
        return !Is(keys[1], "CaptureScopes") && !Is(keys[1], "IncludeScopes")
            ? $"there is no such key; levels stand in {LogLevelKey}: {{ \"LogLevel\": {{ \"Default\": \"Information\" }} }}"
            : bool.TryParse(value, out _) ? null : "write true or false";
    }

    private static string? FaultOfLevel(ReadOnlySpan<string> category, string? value)
    {
        // The entries of a list have numbers.
        if (category.Length == 0 || category[0].All(char.IsAsciiDigit))
            return "keys in braces are expected here: { \"Default\": \"Information\" }";
        if (category.Length > 1)
            return "one level is expected here, without further keys below the category";
        // Enum.TryParse also adds up words with commas between them.
        bool isLevel = Enum.TryParse(value, ignoreCase: true, out LogLevel level) && Enum.IsDefined(level)
            && !value!.Contains(',', StringComparison.Ordinal);
        return isLevel ? null : $"write one of {s_levels}";
    }

    private static bool Is(string key, string name) => key.Equals(name, StringComparison.OrdinalIgnoreCase);

    private string SourceOf(string path, string? value)
    {
        string? variable = environment.FirstOrDefault(
            entry => entry.Value == value && Is(entry.Key.Replace("__", ":", StringComparison.Ordinal), path)).Key;
        return variable is null ? "" : $" (environment variable {variable})";
    }
}
