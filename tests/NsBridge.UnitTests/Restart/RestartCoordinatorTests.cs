using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Systemd;

namespace NsBridge.UnitTests.Restart;

/// <summary>What cannot go on after a restart, or before it, is cut off, and looks so to both sides.</summary>
internal sealed class RestartCoordinatorTests
{
    [Test]
    public void End_OfAHalf_LooksLikeAResetToItsPeer()
    {
        using var succession = RestartCoordinator.None(NullLoggerFactory.Instance);
        ConnectionSnapshot connection = CarriedPair.Make(SocketKind.UnixHalf, 0, out int clientsPeer, out int targetsPeer);

        succession.End(connection);

        AssertCutOff(clientsPeer, targetsPeer);
    }

    [Test]
    public void Leave_Fails_ConnectionsAreReset()
    {
        using var succession = RestartCoordinator.None(NullLoggerFactory.Instance);
        ConnectionSnapshot connection = CarriedPair.Make(SocketKind.UnixHalf, 0, out int clientsPeer, out int targetsPeer);

        succession.Leave(new RestartSnapshot([], [connection]));

        AssertCutOff(clientsPeer, targetsPeer);
    }

    [Test]
    public async Task Shelve_FailsAtFirst_IsTriedAgain()
    {
        string address = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using NotifySocket way = NotifySocket.To(address)!;
        using var succession = new RestartCoordinator(new SnapshotStore(new FdStore(way)), NullLogger<RestartCoordinator>.Instance);
        Assert.That(await succession.ShelveAsync([]), Is.False);
        int manager = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_DGRAM);
        Libc.Bind(manager, SockAddr.FromPath(address));
        try
        {
            Assert.That(await succession.ShelveAsync([]));
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
