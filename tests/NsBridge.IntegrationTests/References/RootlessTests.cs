using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.References;

/// <summary>
/// Two daemons of one user without any privilege: the inner half inside the user's own namespaces (`unshare -Urn`), the outer half outside.
/// </summary>
internal sealed class RootlessTests : BridgeFixture
{
    private const string Person = "nobody";
    private const string SomebodyElse = "mail";
    private const int Length = 1 << 20;
    private static readonly string[] s_ownNamespaces = ["unshare", "-Urn", "sh", "-c", "ip link set lo up; exec \"$@\"", "sh"];
    private static readonly byte[] s_hello = Pattern.Take(100_000);

    private readonly IPEndPoint _target = FreeEndPoint();
    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase(null)]
    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Halves_OfOneUserWithoutPrivilege_ServeAcrossTheUserNamespace(string? join)
    {
        DaemonProcess inner = await InnerAsync("0600", s_ownNamespaces);
        TargetServer server = Inside(inner);
        await StartAsync(Outer(inner, join), new DaemonLaunch { User = Person });
        await Eventually.TrueAsync(() => EchoesAsync(_listen), Soon, "the service inside is reached");

        Socket client = Own(await TestClient.TcpAsync(_listen));
        await client.EchoAsync(s_hello);
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Closed));
        Socket resetting = Own(await TestClient.TcpAsync(_listen));
        await resetting.EchoAsync(s_hello);
        resetting.Reset();
        await Eventually.TrueAsync(() => server.Resets == 1, Soon, "the reset arrives");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task HalfClose_OfTheTargetAcrossTheUserNamespace_LetsTheClientGoOn(string join)
    {
        DaemonProcess inner = await InnerAsync("0600", s_ownNamespaces);
        var heard = new TaskCompletionSource<long>();
        Inside(inner, async (connection, cancel) =>
        {
            // Ends first, and hears the client to its end after that.
            await connection.SendPatternAsync(Length, cancel);
            connection.Shutdown(SocketShutdown.Send);
            heard.SetResult(await connection.ReceivePatternAsync(cancel));
        });
        await StartAsync(Outer(inner, join), new DaemonLaunch { User = Person });

        Socket client = Own(await TestClient.TcpAsync(_listen));
        Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(Length));
        await client.SendPatternAsync(Length);
        client.Shutdown(SocketShutdown.Send);

        Assert.That(await heard.Task.WaitAsync(Soon), Is.EqualTo(Length));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task HalfClose_OfTheClientAcrossTheUserNamespace_LetsTheWholeAnswerThrough(string join)
    {
        DaemonProcess inner = await InnerAsync("0600", s_ownNamespaces);
        Inside(inner, async (connection, cancel) =>
            await connection.SendPatternAsync(await connection.ReceivePatternAsync(cancel), cancel));
        await StartAsync(Outer(inner, join), new DaemonLaunch { User = Person });

        Socket client = Own(await TestClient.TcpAsync(_listen));
        await client.SendPatternAsync(Length);
        client.Shutdown(SocketShutdown.Send);

        Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(Length));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_OfTheTargetAcrossTheUserNamespace_ArrivesAsAReset(string join)
    {
        DaemonProcess inner = await InnerAsync("0600", s_ownNamespaces);
        Inside(inner, Serve.ResetAfter(s_hello.Length));
        await StartAsync(Outer(inner, join), new DaemonLaunch { User = Person });

        Socket client = Own(await TestClient.TcpAsync(_listen));
        await client.SendAllAsync(s_hello);

        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    [TestCase(SomebodyElse)]
    [TestCase(null)]
    public async Task OuterHalf_OfAnotherUser_HandsNothingOverAndIsToldToRelay(string? user)
    {
        DaemonProcess inner = await InnerAsync("0666", s_ownNamespaces);
        TargetServer server = Inside(inner);
        DaemonProcess outer = await StartAsync(Outer(inner, "handoff"), new DaemonLaunch { User = user });

        await outer.WaitLogAsync("\"Join\": \"relay\"");
        Assert.That(await EchoesAsync(_listen), Is.False);
        Assert.That(server.Accepted, Is.Zero);
    }

    [Test]
    public async Task OuterHalf_OfAnotherUserTheFileLetsIn_MayRelay()
    {
        DaemonProcess inner = await InnerAsync("0666", s_ownNamespaces);
        Inside(inner);
        await StartAsync(Outer(inner, "relay"), new DaemonLaunch { User = SomebodyElse });

        await Eventually.TrueAsync(() => EchoesAsync(_listen), Soon, "the service inside is reached");
    }

    [TestCase(SomebodyElse)]
    [TestCase(Person)]
    public async Task InnerHalf_InAUserNamespaceWithoutNames_TakesNothingOver(string user)
    {
        // Every user shows as the same number there, the daemon's own included: it proves nothing.
        DaemonProcess inner = await InnerAsync("0666", ["unshare", "-Un"]);
        DaemonProcess outer = await StartAsync(Outer(inner, "handoff"), new DaemonLaunch { User = user });

        await outer.WaitLogAsync("\"Join\": \"relay\"");
        Assert.That(await EchoesAsync(_listen), Is.False);
    }

    [Test]
    public async Task Daemon_WithoutTheCapability_SaysWhatItCanAndCannotDo()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Own(TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo));
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(
                new BridgeEntry("able") { Listen = _listen.ToString(), Namespace = "host", Target = server.EndPoint.ToString() },
                new BridgeEntry("unable") { Namespace = space.Name, Target = "127.0.0.1:1" }),
            new DaemonLaunch { User = Person });

        await daemon.WaitLogAsync("CAP_SYS_ADMIN is missing: unable cannot enter its network namespace; for that run nsbridge as root or "
            + "by its systemd service. Working without it: able");
        await daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("name").GetString() == "able"
                ? bridge.GetProperty("state").GetString() == "up"
                : bridge.GetProperty("state").GetString() == "failed"
                    && bridge.GetProperty("reason")
                        .GetString()!.Contains("needs CAP_SYS_ADMIN: run nsbridge as root", StringComparison.Ordinal),
            "one bridge is up and the other tells why it is not, and the cure");
        await Own(await TestClient.TcpAsync(_listen)).EchoAsync(s_hello);
    }

    private async Task<DaemonProcess> InnerAsync(string mode, IReadOnlyList<string> within)
    {
        DaemonProcess daemon = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("inner") { Namespace = "host", Target = _target.ToString(), SocketMode = mode }),
            new DaemonLaunch { User = Person, Within = within });
        // Its socket is listed in its own network namespace alone.
        await daemon.WaitAsync(() => File.Exists(daemon.SocketPath("inner")), "the inner half's socket");
        Assert.That(new FileInfo($"/proc/{daemon.Id}/ns/net").LinkTarget, Is.Not.EqualTo(new FileInfo("/proc/self/ns/net").LinkTarget),
            "it runs in a namespace");
        return daemon;
    }

    private TargetServer Inside(DaemonProcess inner, Func<Socket, CancellationToken, Task>? serve = null) =>
        Own(TargetServer.Start(TestNamespace.Listen($"/proc/{inner.Id}/ns/net", _target), serve ?? Serve.Echo));

    private DaemonConfig Outer(DaemonProcess inner, string? join) =>
        new(new BridgeEntry("outer") { Listen = _listen.ToString(), Socket = inner.SocketPath("inner"), Join = join });
}
