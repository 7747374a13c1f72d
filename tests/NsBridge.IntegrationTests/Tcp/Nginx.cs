using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

/// <summary>
/// A stock nginx inside a namespace: static files below <c>/</c> on one port, and on another one what it learnt by the PROXY protocol.
/// </summary>
internal sealed class Nginx : IDisposable
{
    private const int FilesPort = 8080;
    private const int ProxyPort = 8081;
    private readonly BackgroundProcess _process;

    private Nginx(BackgroundProcess process) => _process = process;

    public static string Files { get; } = new IPEndPoint(IPAddress.Loopback, FilesPort).ToString();

    /// <summary>Answers each request with <c>client address|client port|server address|server port</c> from the PROXY header.</summary>
    public static string Proxy { get; } = new IPEndPoint(IPAddress.Loopback, ProxyPort).ToString();

    public static async Task<Nginx> StartAsync(TestNamespace space, ScratchDirectory folder)
    {
        await DebianPackages.RequireAsync("nginx", "curl");
        folder.OpenToEveryone();
        Directory.CreateDirectory(folder["www"]);
        folder.Write("nginx.conf", $$"""
            daemon off;
            user root;
            worker_processes 1;
            pid {{folder["nginx.pid"]}};
            error_log stderr warn;
            events { worker_connections 2048; }
            http {
              access_log off;
              sendfile on;
              keepalive_requests 1000000;
              server { listen {{Files}} backlog=4096; root {{folder["www"]}}; }
              server {
                listen {{Proxy}} proxy_protocol;
                default_type text/plain;
                return 200 "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port";
              }
            }
            """);
        BackgroundProcess process = space.Start("nginx", "-p", folder.FullName, "-e", "stderr", "-c", folder["nginx.conf"]);
        try
        {
            await ReadyAsync(space, process, FilesPort);
            await ReadyAsync(space, process, ProxyPort);
            return new Nginx(process);
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Waits until something inside listens on the port; asking it would count as a request.</summary>
    public static Task ReadyAsync(TestNamespace space, BackgroundProcess process, int port) => Eventually.TrueAsync(
        async () => process.HasExited
            ? throw new InvalidOperationException($"The server ended:\n{string.Join('\n', process.Lines)}")
            : (await space.RunAsync("ss", "-Htln", $"sport = :{port}")).Length > 0,
        TimeSpan.FromSeconds(20),
        $"a server on port {port} in namespace {space.Name}");

    public void Dispose() => _process.Dispose();
}
