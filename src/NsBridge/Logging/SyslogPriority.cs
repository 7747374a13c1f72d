namespace NsBridge.Logging;

/// <summary>The severities of syslog(3), with the numbers that <c>PRIORITY=</c> takes.</summary>
internal enum SyslogPriority
{
    Critical = 2,
    Error = 3,
    Warning = 4,
    Informational = 6,
    Debug = 7,
}
