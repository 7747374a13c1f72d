using System.Net.Sockets;
using NUnit.Framework.Interfaces;

namespace NsBridge.Testing;

/// <summary>
/// Every test of the fixture gives back what it took from the kernel: descriptors other than plain files, and threads of its own; none of
/// the process's threads or descriptors is in a foreign network namespace. What the runtime keeps for itself (its pool, its socket engine)
/// does not count.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class LeaksNothingAttribute : Attribute, ITestAction
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly Lazy<Task> s_runtimeIsWarm = new(WarmRuntimeAsync);
    private OwnResources _before = OwnResources.None;

    // On the fixture: runs around each test with its set-up and teardown.
    public ActionTargets Targets => ActionTargets.Test;

    public void BeforeTest(ITest test)
    {
        s_runtimeIsWarm.Value.GetAwaiter().GetResult();
        _before = OwnResources.Now();
    }

    public void AfterTest(ITest test)
    {
        IReadOnlyList<string> left = [];
        Eventually.TrueAsync(
            () => Task.FromResult((left = OwnResources.Now().Since(_before)).Count == 0),
            s_patience,
            () => $"{test.Name} gave back everything; left behind:\n{string.Join('\n', left)}").GetAwaiter().GetResult();
    }

    /// <summary>The first child process and the first asynchronous socket give the runtime descriptors and threads that it keeps.</summary>
    private static async Task WarmRuntimeAsync()
    {
        await Command.CheckAsync("/bin/true");
        await using var server = TargetServer.StartOnHost(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0), Serve.Echo);
        using Socket client = await TestClient.TcpAsync((System.Net.IPEndPoint)server.EndPoint);
        await client.EchoAsync([1]);
    }
}
