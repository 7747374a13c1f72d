using System.Globalization;
using System.Net;
using System.Text;

namespace NsBridge.Commands.Demo;

/// <summary>The page that the demo's web server serves.</summary>
internal static class DemoPage
{
    /// <summary>Stands in the page and nowhere else, so that whoever fetches it knows where it comes from.</summary>
    public const string Greeting = "Hello from inside the network namespace";

    /// <summary>A whole HTTP/1.1 answer; the connection is closed after it.</summary>
    public static byte[] Answer(string reference, EndPoint inside)
    {
        byte[] body = Encoding.UTF8.GetBytes(
            $$"""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>nsbridge demo</title>
            <style>
              body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; color: #1c2733; background: #f6f8fa }
              h1 { font-size: 1.6rem; line-height: 1.2 } code { background: #e3e9ef; padding: .1em .35em; border-radius: .3em }
              @media (prefers-color-scheme: dark) { body { color: #dbe3ea; background: #11171d } code { background: #24303b } }
            </style>
            <h1>{{Greeting}}</h1>
            <p>This page is served at <code>{{inside}}</code> in the namespace <code>{{reference}}</code>, where nothing but its own
            loopback exists. What brought it to you is the bridge.</p>
            </html>

            """);
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {body.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
        byte[] answer = [.. Encoding.ASCII.GetBytes(head), .. body];
        return answer;
    }
}
