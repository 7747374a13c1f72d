using System.Net;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Discover;

namespace NsBridge.Commands.Demo;

/// <summary>
/// The demo of an ordinary user: the second process lives in a user and network namespace of its own and holds the web server and the inner half of the
/// bridge; the outer half is here, and a UNIX socket joins them.
/// </summary>
internal sealed class RootlessScene : IDemoScene
{
    private readonly DemoProcess _inside;
    private readonly BridgeDraft _inner;
    private readonly DemoBridge _outer;

    private RootlessScene(DemoProcess inside, BridgeDraft inner, DemoBridge outer)
    {
        _inside = inside;
        _inner = inner;
        _outer = outer;
    }

    public string Description =>
        $"""
        A network namespace of its own   {_inside.Reference}, made without root
        a web server inside              {_inner.Target}, which nobody outside can reach
        and a bridge in two halves, one process each, joined by a UNIX socket:

          inside   {_inner.ToJson()}
          outside  {_outer.Draft.ToJson()}

        """;

    public IBridgeReports Reports => _outer.Reports;

    /// <exception cref="UserErrorException">User namespaces cannot be had here, or the bridge does not come up.</exception>
    public static async Task<IDemoScene> StartAsync(IPEndPoint listen, CancellationToken stop)
    {
        // A process with threads may not make a user namespace (EINVAL), and .NET's always has some: util-linux does it, before it executes the program.
        var inside = DemoProcess.Start([FindUnshare(), "--user", "--map-root-user", "--net", "--", .. DemoProcess.Self, RootlessHalf.Argument]);
        try
        {
            if (await inside.ReadLineAsync(stop) != RootlessHalf.Inside)
                throw new UserErrorException($"nsbridge demo: {UserNamespaceBan.Explain()}", ExitCode.Privilege);
            if (await inside.ReadLineAsync(stop) is not { } line || line[DemoProcess.Ready.Length..].Split(' ', 2) is not [var target, var directory])
                throw new UserErrorException("nsbridge demo: its half inside the namespace did not start", await inside.ExitCodeAsync(stop));
            inside.Directory = directory;
            var inner = new BridgeDraft("demo", null, "host", target, Socket: SecondLife.SocketIn(directory));
            var outer = new BridgeDraft("demo", [listen.ToString()], null, null, Socket: inner.Socket) { Join = "handoff" };
            return new RootlessScene(inside, inner, await DemoBridge.StartAsync(outer, directory, stop));
        }
        catch
        {
            await inside.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _outer.DisposeAsync();
        await _inside.DisposeAsync();
    }

    /// <summary>Looks where the shell would; never, as starting a process by its bare name does, in the working directory.</summary>
    private static string FindUnshare() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Where(Path.IsPathRooted)
            .Select(folder => Path.Combine(folder, "unshare"))
            .FirstOrDefault(File.Exists)
        ?? throw new UserErrorException(
            "nsbridge demo: CAP_SYS_ADMIN is missing, and without it the demo needs the program 'unshare' of util-linux, which is not in PATH.\n" +
            $"Install it (apt install util-linux), or {UserNamespaceBan.AsRoot}",
            ExitCode.Privilege);
}
