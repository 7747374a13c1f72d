using System.Buffers.Binary;
using System.Net;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Sockets;

[TestFixture, LeaksNothing]
internal sealed class SockAddrTests
{
    [TestCase("127.0.0.1", 1)]
    [TestCase("255.255.255.255", 65535)]
    [TestCase("0.0.0.0", 0)]
    [TestCase("::", 80)]
    [TestCase("2001:db8::1", 443)]
    [TestCase("fe80::1%3", 53)]
    [TestCase("::ffff:10.0.0.1", 53)]
    public void From_AnAddress_ComesBack(string text, int port)
    {
        var address = SockAddr.From(IPAddress.Parse(text), port);
        var expected = new IPEndPoint(IPAddress.Parse(text), port);
        Assert.That(address.ToEndPoint(), Is.EqualTo(expected));
        Assert.That(address.ToString(), Is.EqualTo(expected.ToString()));
        Assert.That(address.Port, Is.EqualTo(port));
    }

    [TestCase("10.1.2.3", "::ffff:10.1.2.3")]
    [TestCase("2001:db8::9", "2001:db8::9")]
    public void TryWriteAddress_OfAnInternetAddress_IsSixteenBytes(string text, string sixteen)
    {
        byte[] bytes = new byte[16];
        Assert.That(SockAddr.From(IPAddress.Parse(text), 1).TryWriteAddress(bytes), Is.True);
        Assert.That(new IPAddress(bytes), Is.EqualTo(IPAddress.Parse(sixteen)));
    }

    [TestCase("10.1.2.3", "10.1.2.3")]
    [TestCase("::ffff:10.1.2.3", "10.1.2.3")]
    [TestCase("2001:db8::9", "2001:db8::9")]
    public void From_Bits_IsIPv4IfTheyAreMapped(string text, string expected)
    {
        UInt128 bits = BinaryPrimitives.ReadUInt128BigEndian(IPAddress.Parse(text).MapToIPv6().GetAddressBytes());
        Assert.That(SockAddr.From(bits, 80).IsSame(SockAddr.From(IPAddress.Parse(expected), 80)), Is.True);
    }

    [Test]
    public void TryWriteAddress_OfAPath_IsFalse() => Assert.That(SockAddr.FromPath("/x").TryWriteAddress(new byte[16]), Is.False);

    [TestCase(1)]
    [TestCase(107)]
    public void FromPath_OfTheKernelsLengths_IsTaken(int length)
    {
        string path = new string('p', length);
        Assert.That(SockAddr.FromPath(path).ToString(), Is.EqualTo($"unix:{path}"));
        Assert.That(SockAddr.FromAbstract(System.Text.Encoding.UTF8.GetBytes(path)).AbstractName.Length, Is.EqualTo(length));
    }

    [TestCase(0)]
    [TestCase(108)]
    public void FromPath_OfAnotherLength_IsRefused(int length)
    {
        Assert.That(() => SockAddr.FromPath(new string('p', length)), Throws.ArgumentException);
        Assert.That(() => SockAddr.FromAbstract(new byte[length]), Throws.ArgumentException);
    }

    [TestCase("127.0.0.1")]
    [TestCase("::1")]
    public void LocalAddress_OfABoundSocket_IsWhatWasBound(string text)
    {
        var host = IPAddress.Parse(text);
        int socket = Libc.Socket(text.Contains(':') ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_STREAM);
        Assert.That(Libc.Bind(socket, SockAddr.From(host, 0)), Is.Zero);
        Assert.That(Libc.LocalAddress(socket, out SockAddr bound), Is.Zero);
        Libc.Close(socket);
        Assert.That(bound.ToEndPoint()!.Address, Is.EqualTo(host));
        Assert.That(bound.Port, Is.Not.Zero);
    }

    [Test]
    public void Accept_OnAPathAndAnAbstractName_TellsTheNames()
    {
        using var scratch = new ScratchDirectory();
        foreach (SockAddr name in new[] { SockAddr.FromPath(scratch["s"]), SockAddr.FromAbstract(System.Text.Encoding.UTF8.GetBytes($"nsb-{Guid.NewGuid():N}")) })
        {
            int listener = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
            int client = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
            Assert.That(Libc.Bind(listener, name), Is.Zero);
            Assert.That(Libc.Listen(listener, 1), Is.Zero);
            Assert.That(Libc.Connect(client, name), Is.Zero);
            int accepted = Libc.Accept(listener, out SockAddr peer);
            Assert.That(accepted, Is.Positive);
            Assert.That(peer.ToString(), Is.EqualTo("unix:"), "a client without a name");
            Libc.PeerAddress(client, out SockAddr far);
            Assert.That(far.ToString(), Is.EqualTo(name.ToString()));
            Assert.That(Libc.PeerCredentials(accepted, out int process, out uint user), Is.Zero);
            Assert.That((process, user), Is.EqualTo((Environment.ProcessId, Libc.EffectiveUser())));
            Libc.Close(accepted);
            Libc.Close(client);
            Libc.Close(listener);
        }
    }
}
