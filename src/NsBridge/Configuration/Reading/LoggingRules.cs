using Microsoft.Extensions.Logging;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// Finds the faults below <c>Logging</c>. The section belongs to the framework, which reads it only once the host is built and throws at
/// the first level it does not know.
/// </summary>
/// <param name="environment">Tells which variable a value comes from.</param>
/// <param name="faults">Takes what is found.</param>
internal sealed class LoggingRules(IReadOnlyDictionary<string, string> environment, List<ConfigurationFault> faults)
{
    private const string LogLevelKey = "LogLevel";
    private const string Shape = "keys in braces are expected here: { \"Default\": \"Information\" }";
    private static readonly string s_levels = string.Join(", ", Enum.GetNames<LogLevel>());

    /// <param name="foreign">What belongs to the framework, by path.</param>
    /// <returns>Every value below <c>Logging</c>, in an order of its own, so that what is the same compares so.</returns>
    public ValueList<LogSetting> Read(IReadOnlyDictionary<string, string?> foreign)
    {
        var settings = new List<LogSetting>();
        foreach ((string? path, string? value) in foreign.OrderBy(entry => entry.Key, StringComparer.OrdinalIgnoreCase))
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
        // What a level is for is said for all providers (Logging:LogLevel) or for one (Logging:Console:LogLevel).
        if (Is(keys[1], LogLevelKey))
            return FaultOfLevel(keys.AsSpan(2), value);
        if (keys.Length > 2 && Is(keys[2], LogLevelKey))
            return FaultOfLevel(keys.AsSpan(3), value);
        if (EditDistance.Between(keys[1].ToUpperInvariant(), LogLevelKey.ToUpperInvariant()) <= 2)
            return $"there is no such key; did you mean {LogLevelKey}?";
        if (keys.Length > 2)
            return null;
        return keys[1].ToUpperInvariant() switch
        {
            "CAPTURESCOPES" or "INCLUDESCOPES" => bool.TryParse(value, out _) ? null : "write true or false",
            _ => $"there is no such key; levels stand in {LogLevelKey}: {{ \"LogLevel\": {{ \"Default\": \"Information\" }} }}",
        };
    }

    private static string? FaultOfLevel(ReadOnlySpan<string> category, string? value)
    {
        // A list is numbered.
        if (category.Length == 0 || category[0].All(char.IsAsciiDigit))
            return Shape;
        if (category.Length > 1)
            return "one level is expected here, without further keys below the category";
        // Enum.TryParse also adds up words with commas between them.
        return Enum.TryParse<LogLevel>(value, ignoreCase: true, out LogLevel level) && Enum.IsDefined(level) && !value!.Contains(',', StringComparison.Ordinal)
            ? null
            : $"write one of {s_levels}";
    }

    private static bool Is(string key, string name) => key.Equals(name, StringComparison.OrdinalIgnoreCase);

    private string SourceOf(string path, string? value)
    {
        foreach ((string? variable, string? text) in environment)
        {
            if (text == value && Is(variable.Replace("__", ":", StringComparison.Ordinal), path))
                return $" (environment variable {variable})";
        }

        return "";
    }
}
