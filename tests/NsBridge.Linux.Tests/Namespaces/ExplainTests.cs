using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Namespaces;

/// <summary>Each way to fail, taken from its real cause, is reported with its cause and its cure.</summary>
[TestFixture, LeaksNothing]
internal sealed class ExplainTests
{
    private static readonly string[] s_withoutAdministration = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--ambient-caps=-sys_admin"];

    [Test]
    public void Explain_MissingFile_SaysThatItDoesNotExist() =>
        Fails("/run/netns/no-such-namespace", EnterStep.Open, Errno.ENOENT, absent: true, "/run/netns/no-such-namespace does not exist");

    [Test]
    public void Explain_BelowAFile_IsAbsent() => Fails("/etc/passwd/x", EnterStep.Open, Errno.ENOTDIR, absent: true, "ENOTDIR");

    [Test]
    public void Explain_PlainFile_NamesMountPropagation()
    {
        using var scratch = new ScratchDirectory();
        Fails(scratch.Write("blue", ""), EnterStep.Enter, Errno.EINVAL, absent: true, "mount propagation");
    }

    [Test]
    public void Explain_PlainFileThatMayNotBeOpened_NamesMountPropagation()
    {
        // What `ip netns add` leaves to everybody else, where it ran among mounts of its own.
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.SetUnixFileMode(scratch.Write("blue", ""), UnixFileMode.None);
        AsAnotherUser(() => Fails(scratch["blue"], EnterStep.Enter, Errno.EINVAL, absent: true, "mount propagation"));
    }

    [Test]
    public void Explain_FileInAHiddenFolder_AsksForPermissionOnThePathAlone()
    {
        using var scratch = new ScratchDirectory();
        string path = scratch.Write("blue", "");
        AsAnotherUser(() =>
        {
            Fails(path, EnterStep.Open, Errno.EACCES, absent: false, "permission on the path");
            Assert.That(NetworkNamespace.AtPath(path).Explain(new EnterFailure(EnterStep.Open, Errno.EACCES)), Does.Not.Contain("CAP_SYS_PTRACE"));
        });
    }

    [Test]
    public void Explain_AnotherUsersProcess_NamesTheCapability() => Assert.That(
        NetworkNamespace.AtPath("/proc/1/ns/net").Explain(new EnterFailure(EnterStep.Open, Errno.EACCES)), Does.Contain("CAP_SYS_PTRACE").And.Not.Contain("permission on the path"));

    [Test]
    public void Explain_ADirectory_SaysSo() => Fails("/etc", EnterStep.Enter, Errno.EINVAL, absent: true, "it is a directory, not a namespace");

    [Test]
    public void Explain_ADevice_IsNotCalledAFile() => Fails("/dev/null", EnterStep.Enter, Errno.EINVAL, absent: true, "it is not a namespace's file");

    [Test]
    public void Explain_NamespaceOfAnotherKind_SaysSo() => Fails("/proc/self/ns/uts", EnterStep.Enter, Errno.EINVAL, absent: true, "another kind");

    [Test]
    public void Explain_TheOwnNamespaceUnderAName_IsRefused() =>
        Fails("/proc/self/ns/net", EnterStep.OwnNamespace, Errno.None, absent: false, "is the daemon's own; write \"host\"");

    [Test]
    public async Task Explain_TheOwnNamespaceBoundToAFile_IsRefused()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("home", "");
        await Command.CheckAsync("mount", "--bind", "/proc/self/ns/net", file);
        try
        {
            Fails(file, EnterStep.OwnNamespace, Errno.None, absent: false, "is the daemon's own");
        }
        finally
        {
            await Command.CheckAsync("umount", file);
        }
    }

    [Test]
    public async Task Explain_WithoutCapSysAdmin_NamesIt()
    {
        await using TestNamespace inside = await TestNamespace.CreateAsync();
        Assert.That(await OwnChild.RunAsync(s_withoutAdministration, "enter", inside.FilePath), Does.Contain("EPERM").And.Contains("CAP_SYS_ADMIN").And.Contains(inside.FilePath));
        Assert.That(await OwnChild.RunAsync(["env"], "enter", inside.FilePath), Is.EqualTo("entered"));
    }

    /// <summary>Without a privilege over files, but with CAP_SYS_ADMIN: as the service is.</summary>
    private static void AsAnotherUser(Action work)
    {
        int own = setfsuid(65_534);
        try
        {
            work();
        }
        finally
        {
            _ = setfsuid((uint)own);
        }
    }

    [DllImport("libc")]
    private static extern int setfsuid(uint user);

    private static void Fails(string path, EnterStep step, Errno error, bool absent, string text)
    {
        var reference = NetworkNamespace.AtPath(path);
        using var opened = Opened.From(reference);
        Assert.Multiple(() =>
        {
            Assert.That(opened.Descriptor, Is.EqualTo(-1));
            Assert.That(opened.Failure, Is.EqualTo(new EnterFailure(step, error)));
            Assert.That(opened.Failure.IsAbsent, Is.EqualTo(absent));
            Assert.That(reference.Explain(opened.Failure), Does.Contain(text).And.Contains(path));
        });
    }
}
