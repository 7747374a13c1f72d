using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Options;

/// <summary>The rows of the keys beside <c>Bridges</c>.</summary>
internal static class DaemonKeys
{
    /// <summary>The default, unless the service manager gives a directory.</summary>
    public const string DefaultRuntimeDirectory = "/run/nsbridge";

    public static readonly SingleKey<string> RuntimeDirectory = new(
        nameof(RuntimeDirectory), AbsolutePath.TryParseDirectory, DefaultRuntimeDirectory)
    {
        Help = "The directory of the UNIX sockets.",
        DefaultNote = "`$RUNTIME_DIRECTORY`, else `/run/nsbridge`",
        Json = new JsonShape("string") { Pattern = "^/", Examples = [DefaultRuntimeDirectory] },
    };

    public static readonly SingleKey<TimeSpan> ShutdownTimeout = KeyKinds.Duration(
        nameof(ShutdownTimeout), TimeSpan.FromSeconds(5), 0, KeyKinds.Day,
        "How long connections may take to end after `SIGTERM`.", mayChange: true);

    public static readonly SingleKey<int> EventLoops = KeyKinds.Number(
        nameof(EventLoops), 64, "The number of threads that relay; 0 is half the number of processors.");

    public static readonly SingleKey<bool> IoUring = KeyKinds.Flag(
        nameof(IoUring), true, "Whether small messages may go by io_uring(7) if the kernel and the sandbox allow it.");

    public static readonly SingleKey<BusyPollMode> BusyPoll = KeyKinds.Words(
        nameof(BusyPoll), BusyPollMode.Auto,
        "Whether a loop may poll briefly before it sleeps: `auto` (if measuring shows that it pays) or `off`.");

    public static readonly SingleKey<MetricsEndpoint?> MetricsListen = new("Listen", MetricsEndpoint.TryParse, null)
    {
        Path = "Metrics:Listen",
        Help = "Where `/metrics` for Prometheus and a status page at `/` are served: `ADDR:PORT` or `unix:/path`.",
        DefaultNote = "off",
        Json = new JsonShape("string", "integer") { Examples = ["127.0.0.1:9464", "unix:/run/nsbridge/metrics.sock"] },
    };

    public static IReadOnlyList<Key> All { get; } =
    [
        RuntimeDirectory, ShutdownTimeout, EventLoops, IoUring, BusyPoll,
        new Key("Metrics", KeyKind.Section, MetricsListen) { Help = "The metrics." },
    ];
}
