using System.Net;
using NsBridge.Bridges.Admission;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.UnitTests.Bridges;

internal sealed class AllowedNetworksTests
{
    [TestCase("10.0.0.0/8", "10.255.0.1", true)]
    [TestCase("10.0.0.0/8", "11.0.0.1", false)]
    [TestCase("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    [TestCase("0.0.0.0/0", "8.8.8.8", true)]
    [TestCase("0.0.0.0/0", "fd00::1", false)]
    [TestCase("::/0", "fd00::1", true)]
    [TestCase("::/0", "8.8.8.8", false)]
    [TestCase("::/0", "::ffff:8.8.8.8", false)]
    [TestCase("fd00::/8", "fdff::1", true)]
    [TestCase("fd00::/8", "fc00::1", false)]
    [TestCase("192.168.1.7/32", "192.168.1.7", true)]
    [TestCase("192.168.1.7/32", "192.168.1.6", false)]
    [TestCase("::1/128", "::1", true)]
    [TestCase("::1/128", "::2", false)]
    public void Contains_Address_ByItsNetwork(string network, string address, bool expected) =>
        Assert.That(Of(network).Contains(Peer(IPAddress.Parse(address))), Is.EqualTo(expected));

    [Test]
    public void Contains_RandomAddresses_AsTheFrameworkSays([Random(3)] int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(2) == 0 ? 4 : 16];
            random.NextBytes(bytes);
            int length = random.Next(bytes.Length * 8 + 1);
            var network = new IPNetwork(Masked(bytes, length), length);
            // Mostly a neighbour, or random addresses would be in hardly any network.
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            var address = new IPAddress(bytes);
            Assert.That(new AllowedNetworks([network]).Contains(Peer(address)), Is.EqualTo(network.Contains(address)), $"{address} in {network}");
        }
    }

    [Test]
    public void Contains_WithoutNetworks_Everybody() =>
        Assert.That(new AllowedNetworks([]).Contains(Peer(IPAddress.Parse("203.0.113.1"))), Is.True);

    [Test]
    public void Contains_ClientOfTheUnixSocket_HasTheFilesPermission() =>
        Assert.That(Of("10.0.0.0/8").Contains(PeerAddress.Unix), Is.True);

    [Test]
    public void Contains_AskedForEveryClient_AllocatesNothing()
    {
        AllowedNetworks networks = Of("10.0.0.0/8", "fd00::/8", "192.168.0.0/16");
        PeerAddress peer = Peer(IPAddress.Parse("192.168.3.4"));
        Assert.That(networks.Contains(peer), Is.True);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++)
            networks.Contains(peer);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private static AllowedNetworks Of(params string[] networks) => new([.. networks.Select(text => IPNetwork.Parse(text))]);

    private static PeerAddress Peer(IPAddress address) => PeerAddress.From(SockAddr.From(address, 4711));

    private static IPAddress Masked(byte[] bytes, int length)
    {
        byte[] masked = new byte[bytes.Length];
        for (int bit = 0; bit < length; bit++)
            masked[bit / 8] |= (byte)(bytes[bit / 8] & (0x80 >> (bit % 8)));
        return new IPAddress(masked);
    }
}
