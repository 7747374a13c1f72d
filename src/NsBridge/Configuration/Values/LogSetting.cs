namespace NsBridge.Configuration.Values;

/// <summary>One value below <c>Logging</c>.</summary>
/// <param name="Key">Its whole path, such as <c>Logging:LogLevel:Default</c>.</param>
/// <param name="Value">As it was written.</param>
internal sealed record LogSetting(string Key, string? Value);
