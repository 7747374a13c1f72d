using System.Net;
using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Namespaces;

/// <summary>A thread that is born while its parent is inside a namespace stays there for ever. None may be.</summary>
[TestFixture, LeaksNothing]
internal sealed class PoisonTests
{
    private const int Dialers = 4;
    private const int DialsOfEach = 1500;
    private TestNamespace _inside = null!;

    [SetUp]
    public async Task MakeNamespaceAsync() => _inside = await TestNamespace.CreateAsync();

    [TearDown]
    public async Task RemoveNamespaceAsync() => await _inside.DisposeAsync();

    [Test]
    public async Task OpenSockets_ThousandsWhileTheRuntimeMakesThreads_LeavesNobodyInside()
    {
        var reference = NetworkNamespace.AtPath(_inside.FilePath);
        var failures = new List<string>();
        var dialers = Enumerable.Range(0, Dialers).Select(_ => new Thread(() =>
        {
            Span<int> sockets = stackalloc int[3];
            for (int i = 0; i < DialsOfEach; i++)
            {
                int made = reference.OpenSockets(Libc.AF_INET, Libc.SOCK_STREAM, sockets, out ulong cookie, out EnterFailure failure);
                foreach (int socket in sockets[..made])
                    Libc.Close(socket);
                if (made == sockets.Length && cookie != NetworkNamespace.OwnCookie)
                    continue;
                lock (failures)
                    failures.Add(reference.Explain(failure));
            }
        })).ToList();
        dialers.ForEach(dialer => dialer.Start());
        using var stop = new CancellationTokenSource();
        Task<int> work = Task.Run(() => MakeThreadsTimersAndSocketsAsync(stop.Token));
        dialers.ForEach(dialer => dialer.Join());
        await stop.CancelAsync();
        int rounds = await work;

        Assert.That(failures, Is.Empty);
        Assert.That(rounds, Is.GreaterThan(0));
        Assert.That(ProcessFacts.ThreadNamespaces(Environment.ProcessId), Is.EquivalentTo(new[] { ProcessFacts.HomeNamespace }), "the threads' network namespaces");
        Assert.That(
            ProcessFacts.Descriptors(Environment.ProcessId).Where(target => target.StartsWith("net:", StringComparison.Ordinal)),
            Is.SubsetOf(new[] { ProcessFacts.HomeNamespace }),
            "namespaces held open");
    }

    /// <summary>Whatever gives the runtime reason to start threads, over and over.</summary>
    private static async Task<int> MakeThreadsTimersAndSocketsAsync(CancellationToken stop)
    {
        int rounds = 0;
        while (!stop.IsCancellationRequested)
        {
            rounds++;
            var own = new Thread(() => GC.Collect(0));
            own.Start();
            using var timer = new Timer(_ => { }, null, 1, 1);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Thread.SpinWait(1000))));
            await using var server = TargetServer.StartOnHost(new IPEndPoint(IPAddress.Loopback, 0), Serve.Echo);
            using Socket client = await TestClient.TcpAsync((IPEndPoint)server.EndPoint);
            await client.EchoAsync([1, 2, 3]);
            own.Join();
        }
        return rounds;
    }
}
