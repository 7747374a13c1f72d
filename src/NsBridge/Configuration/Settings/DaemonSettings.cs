using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Settings;

/// <summary>Everything the operator wrote, validated and parsed: an immutable snapshot that compares by value.</summary>
internal sealed record DaemonSettings
{
    /// <summary>Where nothing else is written or given by the service manager.</summary>
    public const string DefaultRuntimeDirectory = "/run/nsbridge";

    /// <summary>An absolute path.</summary>
    public required string RuntimeDirectory { get; init; }

    /// <summary>How long connections may end by themselves at the stop.</summary>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>Null: no metrics are served.</summary>
    public MetricsEndpoint? Metrics { get; init; }

    /// <summary>0 to 64; 0 leaves the number to the daemon.</summary>
    public int EventLoops { get; init; }

    /// <summary>Whether small messages may go by io_uring(7).</summary>
    public bool IoUring { get; init; } = true;

    public required ValueList<BridgeSettings> Bridges { get; init; }

    /// <summary>The framework's section of log levels, value by value.</summary>
    public ValueList<LogSetting> Logging { get; init; } = [];

    /// <summary>Where <c>nsbridge status</c> asks. Sockets of bridges end in <c>.sock</c> unless their path is written, so it is free.</summary>
    public string ControlSocket => ControlSocketIn(RuntimeDirectory);

    public static string ControlSocketIn(string runtimeDirectory) => Path.Combine(runtimeDirectory, "control");

    /// <summary>What makes a daemon the only one of its runtime directory.</summary>
    public string ControlLock => LockOf(ControlSocket);

    /// <summary>Where the lock of the daemon with that control socket is.</summary>
    public static string LockOf(string controlSocket) => $"{controlSocket}.lock";

    /// <summary>The keys that a running daemon does not take over, of those in which this differs from what it was started with.</summary>
    public IEnumerable<string> KeysThatWait(DaemonSettings started)
    {
        if (RuntimeDirectory != started.RuntimeDirectory)
            yield return nameof(RuntimeDirectory);
        if (Metrics != started.Metrics)
            yield return nameof(Metrics);
        if (EventLoops != started.EventLoops)
            yield return nameof(EventLoops);
        if (IoUring != started.IoUring)
            yield return nameof(IoUring);
    }
}
