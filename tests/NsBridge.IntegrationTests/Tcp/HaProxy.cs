using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

/// <summary>A stock HAProxy inside a namespace that answers each request with what it learnt by the PROXY protocol.</summary>
internal sealed class HaProxy : IDisposable
{
    private const int Port = 8082;
    private readonly BackgroundProcess _process;

    private HaProxy(BackgroundProcess process) => _process = process;

    /// <summary>
    /// Answers with <c>client address|client port|server address|server port</c>; the connection's own if the header names none.
    /// </summary>
    public static string Proxy { get; } = $"127.0.0.1:{Port}";

    public static async Task<HaProxy> StartAsync(TestNamespace space, ScratchDirectory folder)
    {
        await DebianPackages.RequireAsync("haproxy", "curl");
        folder.Write("haproxy.cfg", $"""
            global
              maxconn 100
            defaults
              mode http
              timeout connect 5s
              timeout client 30s
              timeout server 30s
            frontend proxy
              bind {Proxy} accept-proxy
              http-request return status 200 content-type text/plain lf-string "%[src]|%[src_port]|%[dst]|%[dst_port]"

            """);
        BackgroundProcess process = space.Start("haproxy", "-db", "-f", folder["haproxy.cfg"]);
        try
        {
            await Nginx.ReadyAsync(space, process, Port);
            return new HaProxy(process);
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    public void Dispose() => _process.Dispose();
}
