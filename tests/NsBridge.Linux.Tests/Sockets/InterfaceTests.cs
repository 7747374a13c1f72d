using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Sockets;

/// <summary>Interfaces by name, of the namespace that the socket belongs to.</summary>
[TestFixture, LeaksNothing]
internal sealed class InterfaceTests
{
    [TestCase("lo", 1)]
    [TestCase("nsb-missing", -(int)Errno.ENODEV)]
    [TestCase("a-name-that-is-too-long", -(int)Errno.ENODEV)]
    [TestCase("", -(int)Errno.ENODEV)]
    public void BindToInterface_ByName_GivesItsIndex(string name, int expected)
    {
        int socket = Libc.Socket(Libc.AF_INET6, Libc.SOCK_STREAM);
        Assert.That(Libc.BindToInterface(socket, name), Is.EqualTo(expected));
        Libc.Close(socket);
    }

    [Test]
    public void LoopbackIsUp_OnThisMachine_IsUp()
    {
        int socket = Libc.Socket(Libc.AF_INET, Libc.SOCK_DGRAM);
        Assert.That(Libc.LoopbackIsUp(socket), Is.EqualTo(1));
        Libc.Close(socket);
    }
}
