using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Base;
using NsBridge.Control;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Demo;

/// <summary>A web server of one page at 127.0.0.1 inside a namespace. Only its listening socket is there; its code runs here.</summary>
internal sealed class DemoWebServer : IAsyncDisposable
{
    private const int LongestHead = 16 << 10;
    private readonly ShortRequestServer _server;

    private DemoWebServer(ShortRequestServer server, IPEndPoint address)
    {
        _server = server;
        Address = address;
    }

    /// <summary>Where it listens, as seen from inside.</summary>
    public IPEndPoint Address { get; }

    /// <param name="network">Where it listens.</param>
    /// <param name="reference">How a configuration names that, for the page.</param>
    public static async Task<DemoWebServer> StartAsync(NetworkNamespace network, string reference)
    {
        int descriptor = await OwnThread.RunAsync(() =>
        {
            int opened = network.OpenSocket(Libc.AF_INET, Libc.SOCK_STREAM, out _, out EnterFailure failure);
            return opened >= 0 ? opened : throw new UserErrorException($"nsbridge demo: {network.Explain(failure)}", Base.ExitCode.Failed);
        });
        var listener = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var address = (IPEndPoint)listener.LocalEndPoint!;
        byte[] answer = DemoPage.Answer(reference, address);
        return new DemoWebServer(
            new ShortRequestServer("The demo's web server", [listener], (client, deadline) => ServeAsync(client, answer, deadline), NullLogger.Instance), address);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task ServeAsync(Socket client, byte[] answer, CancellationToken deadline)
    {
        byte[] head = new byte[LongestHead];
        for (int length = 0; head.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0;)
        {
            int count = length < head.Length ? await client.ReceiveAsync(head.AsMemory(length), deadline) : 0;
            if (count == 0)
                return;
            length += count;
        }

        await client.SendAsync(answer, deadline);
        client.Shutdown(SocketShutdown.Send);
        // Closing before the browser has would reset the connection under the page.
        while (await client.ReceiveAsync(head, deadline) > 0)
        {
        }
    }
}
