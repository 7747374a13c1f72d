using System.Net;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Inspection;
using NsBridge.Linux;

namespace NsBridge.Commands.Demo;

/// <summary>What the demo shows: a namespace, a web server inside, and a bridge to it. With CAP_SYS_ADMIN the bridge is here and enters
/// the namespace. An ordinary user gets a user and network namespace that no process outside may enter: the inner half of the bridge runs
/// in there, and a UNIX socket joins the halves.</summary>
internal sealed class DemoScene : IAsyncDisposable
{
    private readonly DemoChild _child;
    private readonly DemoBridge _bridge;

    private DemoScene(DemoChild child, DemoBridge bridge, string description) =>
        (_child, _bridge, Description) = (child, bridge, description);

    /// <summary>Lines for the user.</summary>
    public string Description { get; }

    /// <summary>Reports of the bridge that has the clients.</summary>
    public IBridgeReports Reports => _bridge.Reports;

    /// <exception cref="UserErrorException">No namespace can be made here, or the bridge does not come up.</exception>
    public static async Task<DemoScene> StartAsync(IPEndPoint listen, CancellationToken stop)
    {
        DemoChild? child = NetworkNamespace.MayReturn ? await DemoChild.StartAsync([.. ProgramPath.Self, DemoChild.Argument], stop) : null;
        bool isRootless = child is null;
        // A process with threads may not make a user namespace (EINVAL), and .NET's has some: unshare(1) makes it.
        child ??= await DemoChild.StartAsync(
            [FindUnshare(), "--user", "--map-root-user", "--net", "--", .. ProgramPath.Self, DemoChild.Argument, DemoChild.Rootless], stop)
            ?? throw new UserErrorException($"nsbridge demo: {UserNamespaceBan.Explain()}", ExitCode.Privilege);
        var inner = new BridgeDraft("demo", null, "host", child.Target, Socket: DemoChild.SocketIn(child.Directory));
        BridgeDraft outer = isRootless
            ? new BridgeDraft("demo", [listen.ToString()], null, null, Socket: inner.Socket) { Join = "handoff" }
            : new BridgeDraft("demo", [listen.ToString()], child.Reference, child.Target);
        string bridge = isRootless
            ? $"""
               and a bridge in two halves, one process each, joined by a UNIX socket:

                 inside   {inner.ToJson()}
                 outside  {outer.ToJson()}
               """
            : $"""
               and this bridge to it:

                 {outer.ToJson()}
               """;
        string description =
            $"""
            A network namespace of its own   {child.Reference}{(isRootless ? ", made without root" : "")}
            a web server inside              {child.Target}, which is not reachable from outside
            {bridge}

            """;
        try
        {
            return new DemoScene(child, await DemoBridge.StartAsync(outer, child.Directory, stop), description);
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _bridge.DisposeAsync();
        await _child.DisposeAsync();
    }

    private static string FindUnshare() => ProgramPath.Find("unshare")
        ?? throw new UserErrorException(
            "nsbridge demo: CAP_SYS_ADMIN is missing, and without it the demo needs 'unshare' of util-linux, which is not in PATH.\n"
                + $"Install it (apt install util-linux), or {UserNamespaceBan.AsRoot}",
            ExitCode.Privilege);
}
