using System.Net;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>What the tests of UDP bridges share.</summary>
internal abstract class UdpFixture : BridgeFixture
{
    protected static readonly byte[] Hello = Pattern.Take(100);

    /// <summary>A namespace, an echo in it, a daemon with one UDP bridge to it.</summary>
    protected async Task<(TestNamespace Space, UdpTarget Target, DaemonProcess Daemon, IPEndPoint Listen)> UdpSceneAsync(
        Func<BridgeEntry, BridgeEntry>? with = null)
    {
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        IPEndPoint listen = FreeEndPoint();
        BridgeEntry entry = Entry("echo", listen.ToString(), space, target.EndPoint.ToString());
        return (space, target, await StartAsync(with?.Invoke(entry) ?? entry), listen);
    }

    /// <summary>A bridge whose flows end soon.</summary>
    protected static BridgeEntry Entry(string name, string listen, TestNamespace space, string target) =>
        new(name) { Protocol = "udp", Listen = listen, Namespace = space.Name, Target = target, IdleTimeout = TimeSpan.FromSeconds(5) };

    /// <summary>Flows have no end of their own: they are ended here before their timeout.</summary>
    protected override Task CalmAsync(DaemonProcess daemon) => daemon.AskAsync("end", "--client", "0.0.0.0/0");

    protected UdpClientSocket Client(IPEndPoint to, IPAddress? from = null) => Own(new UdpClientSocket(to, from));

    /// <summary>One of the counts under <c>connections</c> of a bridge of the daemon.</summary>
    protected static async Task<long> CountAsync(DaemonProcess daemon, string which, int bridge = 0)
    {
        JsonElement status = (await daemon.StatusAsync()).GetProperty("bridges")[bridge];
        return status.GetProperty("connections").GetProperty(which).GetInt64();
    }
}
