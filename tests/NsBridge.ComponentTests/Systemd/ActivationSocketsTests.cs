using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
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

    [Test]
    public void Adopt_OpenedByThisProcess_IsLeftAlone()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int own = (int)listener.Server.Handle;

        Assert.That(
            () => ActivationSockets.Adopt([new ActivationFd(own, "web")]),
            Throws.TypeOf<UserErrorException>().With.Message.Contains($"the descriptor {own}, which was not passed"));
        Assert.That(listener.Pending(), Is.False, "and it is open");
    }

    /// <summary>Hands over a copy, as the manager does: the test's own socket object keeps its descriptor.</summary>
    private static ActivationSockets Handed(TcpListener listener, string name) =>
        ActivationSockets.Adopt([new ActivationFd(Inheritable((int)listener.Server.Handle), name)]);

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Inheritable(int descriptor);

    private static int FlagsOf(SafeFileHandle descriptor)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{descriptor.DangerousGetHandle()}").First(line => line.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), 8);
    }
}
