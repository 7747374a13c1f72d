using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>Services that answer from another port than they listen on.</summary>
internal sealed class OtherPortTests : UdpFixture
{
    private const string TftpTarget = "127.0.0.1:69";

    private BridgeEntry _entry = null!;
    private DaemonProcess _daemon = null!;

    [Promise("udp.flows")]
    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task TftpServer_FiftyDownloadsAtOnce_AreWhole(string join)
    {
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory site = Scratch();
        using BackgroundProcess server = await TftpServerAsync(space, site);
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry("tftp", listen.ToString(), space, TftpTarget) with { Join = join });

        byte[][] got = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => DownloadAsync(listen)));

        Assert.That(got, Is.All.EqualTo(await File.ReadAllBytesAsync(site["file"])));
        Assert.That(await CountAsync(daemon, "total"), Is.EqualTo(50), "a flow for each");
        Assert.That(await CountAsync(daemon, "failed"), Is.Zero);
    }

    [Test]
    public async Task TftpServer_HalvesInTwoDaemons_DownloadIsWhole()
    {
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory site = Scratch();
        using BackgroundProcess server = await TftpServerAsync(space, site);
        string path = Scratch()["tftp.sock"];
        IPEndPoint listen = FreeEndPoint();
        BridgeEntry whole = Entry("tftp", listen.ToString(), space, TftpTarget) with { Socket = path };
        await StartAsync(whole with { Listen = null });
        await StartAsync(new BridgeEntry("outer") { Protocol = "udp", Socket = path, Listen = listen.ToString() });

        Assert.That(await DownloadAsync(listen), Is.EqualTo(await File.ReadAllBytesAsync(site["file"])));
    }

    [Promise("udp.flows")]
    [TestCase("127.0.0.1")]
    [TestCase("::1")]
    public async Task Answer_FromAnotherPort_ArrivesAndTheNextDatagramGoesThere(string address)
    {
        (TestNamespace space, Socket target, UdpClientSocket client, EndPoint flow) = await FlowAsync(address);
        using Socket other = space.BindUdp(new IPEndPoint(IPAddress.Parse(address), 0));

        await SendAsync(other, "other", flow);
        Assert.That(await client.ReceiveAsync(), Is.EqualTo("other"u8.ToArray()));
        client.Send("next"u8);
        Assert.That(await TakeAsync(other), Is.EqualTo(("next", flow)));
        await SendAsync(target, "first", flow);
        Assert.That(await client.ReceiveAsync(), Is.EqualTo("first"u8.ToArray()));
        client.Send("back"u8);
        Assert.That(await TakeAsync(target), Is.EqualTo(("back", flow)));
    }

    [Test]
    public async Task Answer_FromAnotherPortThatCloses_TheNextFlowGoesToTheTarget()
    {
        (TestNamespace space, Socket target, UdpClientSocket client, EndPoint flow) = await FlowAsync("127.0.0.1");
        using (Socket other = space.BindUdp(new IPEndPoint(IPAddress.Loopback, 0)))
        {
            await SendAsync(other, "other", flow);
            Assert.That(await client.ReceiveAsync(), Is.EqualTo("other"u8.ToArray()));
        }

        client.Send("refused"u8);
        Task<(string Text, EndPoint From)> taken = TakeAsync(target);
        await Eventually.TrueAsync(
            () =>
            {
                client.Send("again"u8);
                return taken.IsCompleted;
            },
            Soon,
            "the target is asked again");

        Assert.That((await taken).Text, Is.EqualTo("again"));
        Assert.That((await taken).From, Is.Not.EqualTo(flow));
    }

    [TestCase("127.0.0.2")]
    [TestCase("127.0.0.1")]
    [Promise("udp.flows")]
    public async Task Datagram_OfAnotherAddressOrAnotherFlow_ReachesNoClient(string address)
    {
        (TestNamespace space, Socket target, UdpClientSocket client, EndPoint flow) = await FlowAsync("127.0.0.1");
        using Socket other = space.BindUdp(new IPEndPoint(IPAddress.Parse(address), 0));
        if (address == "127.0.0.1")
        {
            // A second bridge leads to the very port that the first flow has.
            IPEndPoint listen = FreeEndPoint();
            BridgeEntry entry = Entry("second", listen.ToString(), space, flow.ToString()!);
            _daemon.Rewrite(new DaemonConfig(_entry, entry));
            await _daemon.SignalAsync("HUP");
            await _daemon.WaitListeningAsync(entry);
            Client(listen).Send("stranger"u8);
            await Eventually.TrueAsync(async () => await CountAsync(_daemon, "active", bridge: 1) == 1, Soon, "the stranger's flow");
        }
        else
        {
            await SendAsync(other, "stranger", flow);
        }
        await SendAsync(target, "target", flow);

        Assert.That(await client.ReceiveAsync(), Is.EqualTo("target"u8.ToArray()), "nothing came before");
        client.Send("back"u8);
        Assert.That(await TakeAsync(target), Is.EqualTo(("back", flow)));
    }

    /// <summary>A flow whose target has taken its first datagram, and the flow's address inside.</summary>
    private async Task<(TestNamespace Space, Socket Target, UdpClientSocket Client, EndPoint Flow)> FlowAsync(string address)
    {
        TestNamespace space = await NamespaceAsync();
        Socket target = Own(space.BindUdp(new IPEndPoint(IPAddress.Parse(address), 0)));
        IPEndPoint listen = FreeEndPoint();
        _entry = Entry("flow", listen.ToString(), space, target.LocalEndPoint!.ToString()!);
        _daemon = await StartAsync(_entry);
        UdpClientSocket client = Client(listen);
        client.Send("begin"u8);
        (string text, EndPoint flow) = await TakeAsync(target);
        Assert.That(text, Is.EqualTo("begin"));
        return (space, target, client, flow);
    }

    private static Task<int> SendAsync(Socket from, string text, EndPoint to) =>
        from.SendToAsync(System.Text.Encoding.ASCII.GetBytes(text), to);

    private static async Task<(string Text, EndPoint From)> TakeAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(Soon);
        byte[] buffer = new byte[100];
        var any = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        SocketReceiveFromResult taken = await socket.ReceiveFromAsync(buffer, any, deadline.Token);
        return (System.Text.Encoding.ASCII.GetString(buffer, 0, taken.ReceivedBytes), taken.RemoteEndPoint);
    }

    /// <summary>dnsmasq answers each download from a port of its own.</summary>
    private static async Task<BackgroundProcess> TftpServerAsync(TestNamespace space, ScratchDirectory site)
    {
        await DebianPackages.RequireAsync("dnsmasq-base", "curl");
        await File.WriteAllBytesAsync(site["file"], Pattern.Take(100_000));
        BackgroundProcess server = space.Start("dnsmasq", [
            "--keep-in-foreground", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--port=0", "--user=root",
            "--enable-tftp", $"--tftp-root={site.FullName}", "--tftp-max=100", "--listen-address=127.0.0.1", "--bind-interfaces",
        ]);
        await Eventually.TrueAsync(async () => (await space.RunAsync("ss", "-Huln", "sport = :69")).Length > 0, Soon, "a TFTP server");
        return server;
    }

    private async Task<byte[]> DownloadAsync(IPEndPoint listen)
    {
        string file = Scratch()["got"];
        string port = listen.Port.ToString(CultureInfo.InvariantCulture);
        await Command.CheckAsync("curl", "--silent", "--show-error", "--max-time", "60", "-o", file, $"tftp://127.0.0.1:{port}/file");
        return await File.ReadAllBytesAsync(file);
    }
}
