using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.FailsClosed;

/// <summary>
/// A server on the host at the address and port that a bridge's target has inside its namespace. A connection that reaches it is in the
/// wrong network; the decoy counts it and answers with a mark.
/// </summary>
internal sealed class Decoy : IAsyncDisposable
{
    private const byte Answer = (byte)'!';
    private readonly TargetServer _server;

    public Decoy()
    {
        EndPoint = new IPEndPoint(IPAddress.Loopback, HostSockets.FreePort());
        _server = TargetServer.StartOnHost(EndPoint, AnswerAsync);
    }

    /// <summary>The address and port, on the host and for the target inside.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>How many connections went astray; must stay zero.</summary>
    public int Reached => _server.Accepted;

    /// <summary>Connects through a listener, sends one byte and returns the answer.</summary>
    /// <param name="listen">The bridge's listener.</param>
    /// <param name="from">The client's namespace; the host's if null.</param>
    /// <returns>The target's answer; null if the connection was refused or closed without one.</returns>
    public static async Task<byte?> ProbeAsync(IPEndPoint listen, TestNamespace? from = null)
    {
        try
        {
            using Socket client = from is null ? await TestClient.TcpAsync(listen) : await from.DialAsync(listen);
            return await AskAsync(client);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>The same through a UNIX socket.</summary>
    public static async Task<byte?> ProbeAsync(string socketPath)
    {
        try
        {
            using Socket client = await TestClient.UnixAsync(socketPath);
            return await AskAsync(client);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Serves inside a namespace what a probe expects there.</summary>
    public static Func<Socket, CancellationToken, Task> Answers(byte answer) => async (connection, cancel) =>
    {
        await connection.ReceiveExactlyAsync(1, cancel);
        await connection.SendAllAsync(new[] { answer }, cancel);
    };

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task<byte?> AskAsync(Socket client)
    {
        try
        {
            await client.SendAllAsync(new byte[] { 1 });
            return (await client.ReceiveExactlyAsync(1))[0];
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException)
        {
            return null;
        }
    }

    private static async Task AnswerAsync(Socket connection, CancellationToken cancel) =>
        await connection.SendAllAsync(new[] { Answer }, cancel);
}
