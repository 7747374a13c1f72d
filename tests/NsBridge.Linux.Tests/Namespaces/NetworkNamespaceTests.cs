using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Namespaces;

[TestFixture, LeaksNothing]
internal sealed class NetworkNamespaceTests
{
    private static readonly TimeSpan s_freedDeadline = TimeSpan.FromSeconds(5);
    private TestNamespace _inside = null!;

    [SetUp]
    public async Task MakeNamespaceAsync() => _inside = await TestNamespace.CreateAsync();

    [TearDown]
    public async Task RemoveNamespaceAsync() => await _inside.DisposeAsync();

    [Test]
    public async Task OpenSocket_OfANamespace_IsInsideIt()
    {
        using Socket listener = _inside.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using var opened = Opened.From(NetworkNamespace.AtPath(_inside.FilePath));
        Assert.That(opened.Failure.Step, Is.EqualTo(EnterStep.None));
        Assert.That(opened.Cookie, Is.Not.Zero.And.Not.EqualTo(NetworkNamespace.OwnCookie));
        Assert.That(opened.Cookie, Is.EqualTo(Libc.NetworkNamespaceCookie(opened.Descriptor)));

        int result = Libc.Connect(opened.Descriptor, SockAddr.From(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndPoint!).Port));
        Assert.That(Libc.ErrorOf(result), Is.AnyOf(Errno.None, Errno.EINPROGRESS));
        using Socket accepted = await listener.AcceptAsync().WaitAsync(s_freedDeadline);
    }

    [Test]
    public void OpenSockets_OfTheOwnNamespace_NeedNoEntering()
    {
        using var opened = Opened.From(NetworkNamespace.Own);
        Assert.That(opened.Cookie, Is.EqualTo(NetworkNamespace.OwnCookie).And.Not.Zero);
    }

    [Test]
    public async Task OpenSocket_OfAProcess_IsInItsNamespaceUntilItEnds()
    {
        using var byPath = Opened.From(NetworkNamespace.AtPath(_inside.FilePath));
        using BackgroundProcess process = _inside.Start("sleep", "60");
        using var pidFd = new SafeFileHandle(Libc.PidFdOpen(process.Id), ownsHandle: true);
        var reference = NetworkNamespace.OfProcess(pidFd, $"process {process.Id}");
        // `ip netns exec` enters before it becomes the program; until then the process is at home, which is refused.
        await Eventually.TrueAsync(
            () =>
            {
                using var opened = Opened.From(reference);
                return Task.FromResult(opened.Descriptor >= 0 && opened.Cookie == byPath.Cookie);
            },
            s_freedDeadline,
            "the process in its namespace");
        Assert.That(Libc.HasEnded((int)pidFd.DangerousGetHandle()), Is.False);

        process.Dispose();

        Assert.That(Libc.HasEnded((int)pidFd.DangerousGetHandle()), Is.True);
        using var late = Opened.From(reference);
        Assert.That(late.Failure, Is.EqualTo(new EnterFailure(EnterStep.Enter, Errno.ESRCH)));
        Assert.That(late.Failure.IsAbsent, Is.True);
        Assert.That(reference.Explain(late.Failure), Does.Contain("has ended"));
    }

    [Test]
    public void OpenSocket_OfAProcessWhoseDescriptorWasClosed_TellsThatItHasEnded()
    {
        using BackgroundProcess process = _inside.Start("sleep", "60");
        var pidFd = new SafeFileHandle(Libc.PidFdOpen(process.Id), ownsHandle: true);
        var reference = NetworkNamespace.OfProcess(pidFd, "the process");
        pidFd.Dispose();

        using var opened = Opened.From(reference);
        Assert.That(opened.Failure, Is.EqualTo(new EnterFailure(EnterStep.Open, Errno.ESRCH)));
        Assert.That(opened.Failure.IsAbsent, Is.True);
    }

    [Test]
    public async Task OpenSocket_OfARecreatedNamespace_HasAnotherCookie()
    {
        var reference = NetworkNamespace.AtPath(_inside.FilePath);
        var cookies = new HashSet<ulong>();
        for (int i = 0; i < 5; i++)
        {
            using (var opened = Opened.From(reference))
                Assert.That(cookies.Add(opened.Cookie), Is.True, "a cookie came again");
            await _inside.DeleteAsync();
            await _inside.AddAsync();
        }
    }

    [Test]
    public async Task OpenSocket_LoopbackDown_DialHasNoRoute()
    {
        await _inside.DeleteAsync();
        await _inside.AddAsync(loopbackUp: false);
        using var opened = Opened.From(NetworkNamespace.AtPath(_inside.FilePath));
        Assert.That(Libc.ErrorOf(Libc.Connect(opened.Descriptor, SockAddr.From(IPAddress.Loopback, 80))), Is.EqualTo(Errno.ENETUNREACH));
    }

    [Test]
    public async Task Reference_ToADeletedNamespace_DoesNotKeepIt()
    {
        await using TestNamespace other = await TestNamespace.CreateAsync();
        string link = await _inside.LinkToAsync(other, "10.99.0.1/30", "10.99.0.2/30");
        var reference = NetworkNamespace.AtPath(_inside.FilePath);
        for (int i = 0; i < 100; i++)
            Opened.From(reference).Dispose();
        await _inside.DeleteAsync();
        await Eventually.TrueAsync(async () => !await other.HasLinkAsync(link), s_freedDeadline, "the namespace freed, and its link with it");
        using var late = Opened.From(reference);
        Assert.That(late.Failure.IsAbsent, Is.True);
    }
}
