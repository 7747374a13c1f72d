using Microsoft.Extensions.Configuration;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Logging;

/// <summary>The levels that the loggers follow, as the framework reads them; a reload changes them for every logger there is.</summary>
internal sealed class LogLevels : ConfigurationProvider, IConfigurationSource
{
    public LogLevels(ValueList<LogSetting> written) => Fill(written);

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public void Change(ValueList<LogSetting> written)
    {
        Fill(written);
        OnReload();
    }

    private void Fill(ValueList<LogSetting> written) =>
        Data = written.ToDictionary(setting => setting.Key, setting => setting.Value, StringComparer.OrdinalIgnoreCase);
}
