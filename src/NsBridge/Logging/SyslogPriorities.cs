using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

internal static class SyslogPriorities
{
    public static SyslogPriority Of(LogLevel level) => level switch
    {
        LogLevel.Critical => SyslogPriority.Critical,
        LogLevel.Error => SyslogPriority.Error,
        LogLevel.Warning => SyslogPriority.Warning,
        LogLevel.Information => SyslogPriority.Informational,
        _ => SyslogPriority.Debug,
    };
}
