using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.Bridges.Lifecycle;
using NsBridge.ComponentTests.HotRestart;
using NsBridge.ComponentTests.Relaying.Tcp;
using NsBridge.Fixtures;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Which connections of the process before go on, and until when.</summary>
[NonParallelizable]
internal sealed class BridgeSuccessionTests
{
    private const string RuntimeVariable = "XDG_RUNTIME_DIR";
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly string? _runtimeBefore = Environment.GetEnvironmentVariable(RuntimeVariable);
    private string _runtime = null!;
    private ActivationSockets _sockets = null!;
    private BridgeParts _parts = null!;

    [SetUp]
    public void MakeEngine()
    {
        _runtime = Directory.CreateTempSubdirectory("nsbridge-").FullName;
        Environment.SetEnvironmentVariable(RuntimeVariable, _runtime);
        _sockets = ActivationSockets.Adopt([]);
        _parts = new BridgeParts(_sockets);
    }

    [TearDown]
    public void EndEngine()
    {
        _parts.Inherited.CloseRest();
        _parts.Dispose();
        _sockets.Dispose();
        Environment.SetEnvironmentVariable(RuntimeVariable, _runtimeBefore);
        Directory.Delete(_runtime, recursive: true);
    }

    [Test]
    public async Task Namespace_IsNotKnownYet_ConnectionsGoOnUntilTheFirstAnswer()
    {
        using Socket api = StartingEngine();
        using Bridge bridge = await StartAsync(""" "Namespace":"container:web", "Target":"127.0.0.1:3000" """);
        ConnectionSnapshot connection = SuspendedPair.Make(SocketKind.Unix, NetworkNamespace.OwnCookie, out int clientsPeer, out int targetsPeer);

        Assert.That(await bridge.Handover.ResumeAsync([connection]), Is.Empty);
        Libc.Write(clientsPeer, "ping"u8);
        await Eventually.TrueAsync(() => Libc.Receive(targetsPeer, new byte[4]) == 4, s_soon, "relayed");

        await AnswerThatThereIsNoneAsync(api, () => Assert.That(Libc.Receive(clientsPeer, new byte[1]), Is.EqualTo(-(nint)(int)Errno.EAGAIN), "goes on"));
        await Eventually.TrueAsync(() => Libc.Receive(clientsPeer, new byte[1]) == 0, s_soon, "ended");

        await bridge.StopAsync(CancellationToken.None);
        Libc.Close(clientsPeer);
        Libc.Close(targetsPeer);
    }

    [TestCase("close", true, true)]
    [TestCase("close", false, false)]
    [TestCase("drain", true, false)]
    public async Task ListenNamespace_OfTheClients_GoesOnOrIsReset(string whenNamespaceGoes, bool isMadeAnew, bool isReset)
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        (Socket client, ConnectionSnapshot connection, Socket target) = await RelayFromAsync(space);
        if (isMadeAnew)
        {
            await space.DeleteAsync();
            await space.AddAsync();
        }
        using Bridge bridge = await StartAsync($""" {Listening}, "ListenNamespace":"{space.Name}", "WhenNamespaceGoes":"{whenNamespaceGoes}" """);

        Assert.That(await bridge.Handover.ResumeAsync([connection]), Is.Empty);

        if (isReset)
            Assert.That(await client.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        else
            await AssertRelaysAsync(client, target);
        await EndAsync(bridge, client, target);
    }

    [Test]
    public async Task ListenNamespace_IsNotKnownYet_ClientsGoOnUntilTheFirstAnswer()
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        (Socket client, ConnectionSnapshot connection, Socket target) = await RelayFromAsync(space);
        using Socket api = StartingEngine();
        using Bridge bridge = await StartAsync($""" {Listening}, "ListenNamespace":"container:web" """);

        Assert.That(await bridge.Handover.ResumeAsync([connection]), Is.Empty);
        await AssertRelaysAsync(client, target);

        await AnswerThatThereIsNoneAsync(api, () => Assert.That(client.Poll(0, SelectMode.SelectRead), Is.False, "goes on"));
        Assert.That(await client.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        await EndAsync(bridge, client, target);
    }

    [Test]
    public async Task ListenNamespace_OfTheDaemonItself_NeverGoes()
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        StreamPair client = StreamPair.Of(SocketKind.Tcp);
        (ConnectionSnapshot connection, Socket target) = RelayOf(client.Relayed);
        using Bridge bridge = await StartAsync($""" {Listening}, "ListenNamespace":"{space.Name}" """);

        // Another daemon has handed it over to the bridge's socket.
        Assert.That(await bridge.Handover.ResumeAsync([connection]), Is.Empty);

        await AssertRelaysAsync(client.Program, target);
        await EndAsync(bridge, client.Program, target);
    }

    [Test]
    public async Task Client_WhoHasWaitedLongEnough_IsNotKeptWaiting()
    {
        StreamPair client = StreamPair.Of(SocketKind.Tcp);
        // Nobody is behind the socket.
        using Bridge bridge = await StartAsync(""" "Listen":"127.0.0.1:3003", "Join":"handoff", "TargetWait":"00:01:00" """);

        Assert.That(await bridge.Handover.ResumeAsync([ConnectionSnapshot.Waiting("web", ConnectionRole.Outer, client.Relayed, SocketKind.Tcp, PeerAddress.Unix, 0, 120_000)]), Is.Empty);

        Assert.That(await client.Program.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        await EndAsync(bridge, client.Program);
    }

    [Test]
    public async Task Connection_ThatHasArrived_EndsAsItsTwoSidesDo()
    {
        StreamPair client = StreamPair.Of(SocketKind.Tcp);
        (ConnectionSnapshot connection, Socket target) = RelayOf(client.Relayed);
        connection.Depart();
        using Bridge bridge = await StartAsync(Listening);
        Assert.That(await bridge.Handover.ResumeAsync([connection]), Is.Empty);
        client.Program.Shutdown(SocketShutdown.Send);
        await target.SendPatternAsync(Answer);
        target.Dispose();
        await Eventually.TrueAsync(() => bridge.Counters.Active == 0, s_soon, "over for the relay");

        Assert.That(await client.Program.ReceivePatternAsync(), Is.EqualTo(Answer), "what the kernel had still to send");
        await EndAsync(bridge, client.Program);
    }

    [TestCase("tcp")]
    [TestCase("udp")]
    public async Task Listeners_InANamespaceThatMayGoAtAnyMoment_AreNobodyElsesToUse(string protocol)
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        using Bridge bridge = await StartAsync($""" {Listening}, "ListenNamespace":"{space.Name}", "Protocol":"{protocol}" """);
        await Eventually.TrueAsync(() => bridge.Report().State == BridgeState.Up, s_soon, "its listener is bound");

        Assert.That((await bridge.Handover.ListenersAsync()).Select(listener => listener.Path), Is.EqualTo((string[])[bridge.Settings.Socket]), "the UNIX socket alone");
        await EndAsync(bridge);
    }

    private const string Listening = """ "Listen":"127.0.0.1:3003", "Namespace":"host", "Target":"127.0.0.1:3000" """;

    /// <summary>Bytes that the sockets of a connection hold, but that are on their way for as long as nobody reads.</summary>
    private const int Answer = 1 << 20;

    /// <summary>A container parts that is being started: its socket is there, and nobody behind it.</summary>
    private Socket StartingEngine()
    {
        var api = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        api.Bind(new UnixDomainSocketEndPoint(Path.Combine(_runtime, "docker.sock")));
        return api;
    }

    private static async Task AnswerThatThereIsNoneAsync(Socket api, Action before)
    {
        api.Listen();
        using Socket question = await api.AcceptAsync();
        await question.ReceiveAsync(new byte[4096]);
        before();
        await question.SendAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"u8.ToArray());
    }

    /// <summary>A relay whose client came by a listener in a namespace.</summary>
    private static async Task<(Socket Client, ConnectionSnapshot Connection, Socket Target)> RelayFromAsync(TestNamespace space)
    {
        using Socket listener = space.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        Socket client = await space.DialAsync((IPEndPoint)listener.LocalEndPoint!);
        (ConnectionSnapshot connection, Socket target) = RelayOf(Libc.Accept((int)listener.Handle, out _));
        return (client, connection, target);
    }

    private static (ConnectionSnapshot Connection, Socket Target) RelayOf(int client)
    {
        StreamPair target = StreamPair.Of(SocketKind.Unix);
        var connection = new ConnectionSnapshot("web", ConnectionRole.Inner, new RelayState
        {
            Client = client,
            Target = target.Relayed,
            ClientKind = SocketKind.Tcp,
            TargetKind = SocketKind.Unix,
            Peer = PeerAddress.Unix,
            Cookie = NetworkNamespace.OwnCookie,
        });
        return (connection, target.Program);
    }

    private static async Task AssertRelaysAsync(Socket client, Socket target)
    {
        await client.SendAllAsync("ping"u8.ToArray());
        Assert.That(await target.ReceiveExactlyAsync(4), Is.EqualTo("ping"u8.ToArray()));
    }

    private static async Task EndAsync(Bridge bridge, params Socket[] peers)
    {
        await bridge.StopAsync(CancellationToken.None);
        foreach (Socket peer in peers)
            peer.Dispose();
    }

    private async Task<Bridge> StartAsync(string entry)
    {
        Bridge bridge = _parts.Factory.Create(
            LoadedText.Right(string.Create(CultureInfo.InvariantCulture, $""" "Name":"web", "Socket":"{_runtime}/web.sock", {entry} """)).Bridges[0]);
        await bridge.StartAsync(CancellationToken.None);
        return bridge;
    }
}
