using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.ComponentTests.Logging;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.HotRestart;

/// <summary>What cannot go on after a restart, or before it, is cut off, and looks so to both sides.</summary>
internal sealed class RestartCoordinatorTests
{
    [Test]
    public void End_OfAHalf_LooksLikeAResetToItsPeer()
    {
        using var restart = new RestartCoordinator(new SnapshotStore(null), NullLogger<RestartCoordinator>.Instance);
        ConnectionSnapshot connection = SuspendedPair.Make(SocketKind.UnixHalf, 0, out int clientsPeer, out int targetsPeer);

        restart.End(connection);

        AssertCutOff(clientsPeer, targetsPeer);
    }

    [Test]
    public void HandOver_Fails_ConnectionsAreReset()
    {
        using var restart = new RestartCoordinator(new SnapshotStore(null), NullLogger<RestartCoordinator>.Instance);
        ConnectionSnapshot connection = SuspendedPair.Make(SocketKind.UnixHalf, 0, out int clientsPeer, out int targetsPeer);

        restart.HandOver(new RestartSnapshot([], [connection]));

        AssertCutOff(clientsPeer, targetsPeer);
    }

    [Test]
    public async Task Store_FailsAtFirst_IsTriedAgain()
    {
        string address = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using NotifySocket way = NotifySocket.To(address)!;
        using var restart = new RestartCoordinator(new SnapshotStore(new FdStore(way)), NullLogger<RestartCoordinator>.Instance);
        Assert.That(await restart.StoreAsync([]), Is.False);
        int manager = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_DGRAM);
        Libc.Bind(manager, SockAddr.FromPath(address));
        try
        {
            Assert.That(await restart.StoreAsync([]));
            byte[] message = new byte[100];
            int length = (int)Libc.Receive(manager, message);
            Assert.That(Encoding.UTF8.GetString(message, 0, Math.Max(length, 0)), Does.StartWith("FDSTORE=1\n"));
        }
        finally
        {
            Libc.Close(manager);
            File.Delete(address);
        }
    }

    [Test]
    public void Restore_OfANumberThatWasNotHandedOver_DoesNotTouchIt()
    {
        var log = new LogLines();
        using var restart = new RestartCoordinator(new SnapshotStore(null), log.CreateLogger<RestartCoordinator>());
        int own = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_SEQPACKET);

        restart.Restore([new ActivationFd(own, "_parcel-1"), new ActivationFd(5000, "_parcel-2")], new InheritedListeners());

        Assert.That(Libc.SocketCookie(own), Is.Not.Zero, "it is open");
        Assert.That(log.Lines, Has.Exactly(2).Contains("no descriptor that the service manager handed over"));
        Libc.Close(own);
    }

    [TestCase(false, TestName = "CloseRest_OfASocketFileOfAnother_TheFileStays")]
    [TestCase(true, TestName = "CloseRest_OfASocketThatNsbridgeDidNotBind_TheFileStays")]
    public void CloseRest_OfAnother_TheFileStays(bool isItsOwnSocket)
    {
        using var scratch = new ScratchDirectory();
        string path = scratch["other.sock"];
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(path));
        other.Listen();
        Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status);
        int socket = isItsOwnSocket ? Libc.Duplicate((int)other.Handle) : Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM);
        var inherited = new InheritedListeners();
        inherited.Keep(new ListenerSnapshot(socket, path, status.Inode));

        inherited.CloseRest();

        Assert.That(File.Exists(path));
    }

    private static void AssertCutOff(params ReadOnlySpan<int> peers)
    {
        Span<byte> nothing = stackalloc byte[1];
        foreach (int peer in peers)
        {
            Assert.That(ResetMark.IsOn(peer), "the mark");
            Assert.That(Libc.Receive(peer, nothing), Is.LessThanOrEqualTo((nint)0), "the end");
            Libc.Close(peer);
        }
    }
}
