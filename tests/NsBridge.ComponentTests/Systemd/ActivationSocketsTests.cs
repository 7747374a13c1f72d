using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Linux;
using NsBridge.Systemd;

namespace NsBridge.ComponentTests.Systemd;

internal sealed class ActivationSocketsTests
{
    [Test]
    public void For_BridgeWithSockets_EachTimeFreshCopiesOfTheSameSocket()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using ActivationSockets sockets = Handed(listener, "web");
        EndPoint address = listener.LocalEndpoint;
        listener.Stop();

        for (int use = 0; use < 2; use++)
        {
            SafeFileHandle copy = sockets.For("web").Single();
            using var owned = new Socket(new SafeSocketHandle(copy.DangerousGetHandle(), ownsHandle: true)) { Blocking = false };
            copy.SetHandleAsInvalid();
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(address);
            Assert.That(owned.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectRead), Is.True, "the client is in the queue");
            using Socket accepted = owned.Accept();
            Assert.That(accepted.LocalEndPoint, Is.EqualTo(address));
        }
    }

    [Test]
    public void Adopt_Socket_IsClosedOnExec()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using ActivationSockets sockets = Handed(listener, "web");
        using SafeFileHandle copy = sockets.For("web").Single();
        const int closeOnExec = 0x80000;
        const int nonBlocking = 0x800;
        Assert.That(FlagsOf(copy) & (closeOnExec | nonBlocking), Is.EqualTo(closeOnExec | nonBlocking));
    }

    [Test]
    public void For_OtherBridge_None()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using ActivationSockets sockets = Handed(listener, "web");
        Assert.That(sockets.For("dns"), Is.Empty);
        Assert.That(sockets.Names, Is.EqualTo(new[] { "web" }));
    }

    [Test]
    public void Adopt_NotOpen_IsTheCallersFaultAndSaysWhich() =>
        Assert.That(
            () => ActivationSockets.Adopt([new ActivationFd(1_000_000, "web")]),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("1000000"));

    /// <summary>Hands over a copy, as the manager does: the test's own socket object keeps its descriptor.</summary>
    private static ActivationSockets Handed(TcpListener listener, string name)
    {
        using var borrowed = new SafeFileHandle(listener.Server.SafeHandle.DangerousGetHandle(), ownsHandle: false);
        SafeFileHandle copy = InheritedSocket.Duplicate(borrowed);
        int descriptor = (int)copy.DangerousGetHandle();
        copy.SetHandleAsInvalid();
        return ActivationSockets.Adopt([new ActivationFd(descriptor, name)]);
    }

    private static int FlagsOf(SafeFileHandle descriptor)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{descriptor.DangerousGetHandle()}").First(line => line.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), 8);
    }
}
