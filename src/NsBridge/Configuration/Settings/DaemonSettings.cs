using NsBridge.Configuration.Options;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Settings;

/// <summary>One value below <c>Logging</c>, by its whole path, such as <c>Logging:LogLevel:Default</c>.</summary>
internal sealed record LogSetting(string Key, string? Value);

/// <summary>Everything the operator wrote, validated and parsed: an immutable snapshot that compares by value.</summary>
internal sealed record DaemonSettings
{
    /// <summary>The parsed values by their rows.</summary>
    public KeyValues Values { get; init; } = KeyValues.Defaults;

    /// <summary>An absolute path.</summary>
    public string RuntimeDirectory
    {
        get => Values.Get(DaemonKeys.RuntimeDirectory);
        init => Values = Values.With(DaemonKeys.RuntimeDirectory, value);
    }

    /// <summary>How long connections may take to end after a stop began.</summary>
    public TimeSpan ShutdownTimeout
    {
        get => Values.Get(DaemonKeys.ShutdownTimeout);
        init => Values = Values.With(DaemonKeys.ShutdownTimeout, value);
    }

    /// <summary>Null: no metrics are served.</summary>
    public MetricsEndpoint? Metrics => Values.Get(DaemonKeys.MetricsListen);

    /// <summary>0 to 64; 0 leaves the number to the daemon.</summary>
    public int EventLoops
    {
        get => Values.Get(DaemonKeys.EventLoops);
        init => Values = Values.With(DaemonKeys.EventLoops, value);
    }

    /// <summary>Whether small messages may go by io_uring(7).</summary>
    public bool IoUring
    {
        get => Values.Get(DaemonKeys.IoUring);
        init => Values = Values.With(DaemonKeys.IoUring, value);
    }

    public BusyPollMode BusyPoll => Values.Get(DaemonKeys.BusyPoll);
    public required ValueList<BridgeSettings> Bridges { get; init; }
    /// <summary>The framework's section of log levels, value by value.</summary>
    public ValueList<LogSetting> Logging { get; init; } = [];
    /// <summary>The socket that <c>nsbridge status</c> asks. Default paths of bridges' sockets end in <c>.sock</c>.</summary>
    public string ControlSocket => ControlSocketIn(RuntimeDirectory);
    public static string ControlSocketIn(string runtimeDirectory) => Path.Combine(runtimeDirectory, "control");
    /// <summary>The lock that makes a daemon the only one of its runtime directory.</summary>
    public string ControlLock => LockOf(ControlSocket);
    public static string LockOf(string controlSocket) => $"{controlSocket}.lock";
    /// <summary>The keys that differ from what the daemon was started with and that take effect at the next restart only.</summary>
    public IEnumerable<string> KeysThatWait(DaemonSettings started) =>
        Values.Differences(started.Values).Where(key => !key.MayChange).Select(key => key.Path);
}
