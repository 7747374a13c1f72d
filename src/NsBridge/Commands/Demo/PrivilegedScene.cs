using System.Net;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Discover;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Demo;

/// <summary>The demo of somebody who may enter namespaces: the second process holds one, and everything else runs in this process.</summary>
internal sealed class PrivilegedScene : IDemoScene
{
    private readonly DemoProcess _holder;
    private readonly DemoWebServer _server;
    private readonly DemoBridge _bridge;

    private PrivilegedScene(DemoProcess holder, DemoWebServer server, DemoBridge bridge)
    {
        _holder = holder;
        _server = server;
        _bridge = bridge;
    }

    public string Description =>
        $"""
        A network namespace of its own   {_holder.Reference}
        a web server inside              {_server.Address}, which nobody outside can reach
        and this bridge to it:

          {_bridge.Draft.ToJson()}

        """;

    public IBridgeReports Reports => _bridge.Reports;

    /// <returns>Null where this process may not do that.</returns>
    /// <exception cref="UserErrorException">The kernel makes no namespace, or the bridge does not come up.</exception>
    public static async Task<IDemoScene?> TryStartAsync(IPEndPoint listen, CancellationToken stop)
    {
        if (!NetworkNamespace.MayReturn)
            return null;
        var holder = DemoProcess.Start([.. DemoProcess.Self, NamespaceHolder.Argument]);
        DemoWebServer? server = null;
        try
        {
            if (await holder.ReadLineAsync(stop) is not { } line)
            {
                // Making a namespace takes CAP_SYS_ADMIN, and its loopback CAP_NET_ADMIN too.
                var error = (Errno)await holder.ExitCodeAsync(stop);
                if (error != Errno.EPERM)
                    throw new UserErrorException($"nsbridge demo: cannot make a network namespace: {error}", ExitCode.Failed);
                await holder.DisposeAsync();
                return null;
            }

            holder.Directory = line[DemoProcess.Ready.Length..];
            server = await DemoWebServer.StartAsync(NetworkNamespace.AtPath(holder.NamespaceFile), holder.Reference);
            var draft = new BridgeDraft("demo", [listen.ToString()], holder.Reference, server.Address.ToString());
            return new PrivilegedScene(holder, server, await DemoBridge.StartAsync(draft, holder.Directory, stop));
        }
        catch
        {
            if (server is not null)
                await server.DisposeAsync();
            await holder.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _bridge.DisposeAsync();
        await _server.DisposeAsync();
        await _holder.DisposeAsync();
    }
}
