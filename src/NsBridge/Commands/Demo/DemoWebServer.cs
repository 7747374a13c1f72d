using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Control;

namespace NsBridge.Commands.Demo;

/// <summary>A web server of one page at 127.0.0.1 in the namespace of its socket.</summary>
internal sealed class DemoWebServer : IAsyncDisposable
{
    /// <summary>Stands in the page and nowhere else: it proves where an answer comes from.</summary>
    public const string Greeting = "Hello from inside the network namespace";

    private readonly ShortRequestServer _server;

    private DemoWebServer(ShortRequestServer server, IPEndPoint address) => (_server, Address) = (server, address);

    /// <summary>Where it listens, inside.</summary>
    public IPEndPoint Address { get; }

    /// <param name="descriptor">A TCP socket, owned from now on.</param>
    /// <param name="reference">Its namespace as in a configuration, for the page.</param>
    public static DemoWebServer Start(int descriptor, string reference)
    {
        var listener = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var address = (IPEndPoint)listener.LocalEndPoint!;
        byte[] answer = Answer(reference, address);
        var server = new ShortRequestServer(
            "The demo's web server", [listener], (client, deadline) => HttpConnection.ServeAsync(client, _ => answer, deadline),
            NullLogger.Instance);
        return new DemoWebServer(server, address);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static byte[] Answer(string reference, EndPoint inside) => HttpAnswer.Write(
        "200 OK",
        "text/html; charset=utf-8",
        $$"""
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>nsbridge demo</title>
        <style>
          body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem }
          body { color: #1c2733; background: #f6f8fa }
          h1 { font-size: 1.6rem; line-height: 1.2 } code { background: #e3e9ef; padding: .1em .35em; border-radius: .3em }
          @media (prefers-color-scheme: dark) { body { color: #dbe3ea; background: #11171d } code { background: #24303b } }
        </style>
        <h1>{{Greeting}}</h1>
        <p>This page is served at <code>{{inside}}</code> in the namespace <code>{{reference}}</code>, which has nothing but its own
        loopback interface. The bridge brought it to you.</p>
        </html>

        """,
        extraHeader: "Cache-Control: no-store");
}
