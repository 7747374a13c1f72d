using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Control;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Control;

internal sealed class ShortRequestServerTests
{
    [Test]
    public async Task Clients_AFloodOfSilentOnes_NeverHasMoreOpenThanItMay()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(512);
        const int flood = 150;
        int open = 0, most = 0, served = 0;
        async Task DawdleAsync(Socket client, CancellationToken deadline)
        {
            int now = Interlocked.Increment(ref open);
            Interlocked.Increment(ref served);
            int seen;
            while ((seen = Volatile.Read(ref most)) < now)
                Interlocked.CompareExchange(ref most, now, seen);
            await Task.Delay(Timeout.Infinite, deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // An evicted one takes its time to go.
            await Task.Delay(5, CancellationToken.None);
            Interlocked.Decrement(ref open);
        }

        await using var server = new ShortRequestServer("The test", [listener], DawdleAsync, NullLogger.Instance);
        var clients = new List<Socket>();
        for (int client = 0; client < flood; client++)
        {
            clients.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            await clients[^1].ConnectAsync(listener.LocalEndPoint!);
        }
        await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref served) == flood), TimeSpan.FromSeconds(10), "each has its turn");
        clients.ForEach(client => client.Dispose());

        Assert.That(most, Is.LessThanOrEqualTo(ShortRequestServer.MostSessions + 1));
    }
}
