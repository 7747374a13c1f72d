using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>A loop that relays makes no garbage: nothing is allocated per event, message or byte.</summary>
internal sealed class GarbageTests(bool ring) : RelayFixture(ring)
{
    private const int Conversations = 64;
    private const int Rounds = 100_000 / Conversations;
    private const int MessageSize = 64;
    // What the measuring calls themselves post.
    private const long Tolerance = 8 * 1024;

    [TestCase(SocketKind.Tcp)]
    [TestCase(SocketKind.Unix)]
    public async Task Relay_OfAHundredThousandMessages_AllocatesNothing(SocketKind kind)
    {
        int[] clients = new int[Conversations];
        int[] targets = new int[Conversations];
        for (int i = 0; i < Conversations; i++)
        {
            Conversation conversation = await Scene.StartAsync(kind, kind);
            clients[i] = conversation.Client.SafeHandle.DangerousGetHandle().ToInt32();
            targets[i] = conversation.Target.SafeHandle.DangerousGetHandle().ToInt32();
        }
        // The runtime compiles what it has seen often anew; that and the first growth of the loop's queues come before the count.
        Exchange(clients, targets, 500);

        long before = await AllocatedByTheLoopAsync();
        int collections = GC.CollectionCount(0);
        Exchange(clients, targets, Rounds);
        int collected = GC.CollectionCount(0) - collections;
        long allocated = await AllocatedByTheLoopAsync() - before;

        Assert.That(Scene.Counters.BytesToTarget + Scene.Counters.BytesToClient, Is.EqualTo((Rounds + 500L) * Conversations * MessageSize));
        Assert.That(allocated, Is.LessThan(Tolerance), "bytes that the loop's thread allocated");
        Assert.That(collected, Is.Zero, "garbage collections");
    }

    private async Task<long> AllocatedByTheLoopAsync()
    {
        long bytes = 0L;
        await Scene.Loop.InvokeAsync(() => bytes = GC.GetAllocatedBytesForCurrentThread());
        return bytes;
    }

    /// <summary>In each round one message for each conversation, to the targets and to the clients in turn; itself without garbage.</summary>
    private static void Exchange(int[] clients, int[] targets, int rounds)
    {
        Span<byte> message = stackalloc byte[MessageSize];
        for (int round = 0; round < rounds; round++)
        {
            (int[]? from, int[]? to) = round % 2 == 0 ? (clients, targets) : (targets, clients);
            foreach (int socket in from)
            {
                if (Libc.Send(socket, message) != MessageSize)
                    throw new InvalidOperationException("a message did not fit into an empty socket");
            }
            foreach (int socket in to)
                ReceiveWhole(socket, message);
        }
    }

    private static void ReceiveWhole(int socket, Span<byte> message)
    {
        for (int filled = 0; filled < message.Length;)
        {
            int received = (int)Libc.Receive(socket, message[filled..]);
            if (received > 0)
                filled += received;
            else if (received != -(int)Errno.EAGAIN)
                throw new InvalidOperationException($"the stream ended: {received}");
            else
                Thread.Yield();
        }
    }
}
