using NsBridge.Base;
using NsBridge.Control;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Control;

internal sealed class RuntimeDirectoryLockTests
{
    [Test]
    public void IsHeld_IsTrueExactlyWhileTheLockIsTaken()
    {
        using var scratch = new ScratchDirectory();
        string path = scratch["control.lock"];
        Assert.That(RuntimeDirectoryLock.IsHeld(path), Is.False);

        using (RuntimeDirectoryLock.TryTake(path))
            Assert.That(RuntimeDirectoryLock.IsHeld(path), Is.True);

        File.WriteAllText(path, "");
        Assert.That(RuntimeDirectoryLock.IsHeld(path), Is.False, "a file alone is no daemon");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void TryTake_LinkAtThePath_IsRefusedAndNotFollowed(bool dangles)
    {
        using var scratch = new ScratchDirectory();
        string path = scratch["control.lock"];
        string target = dangles ? scratch["nowhere"] : scratch.Write("precious", "kept");
        File.CreateSymbolicLink(path, target);

        Assert.That(() => Task.Run(() => RuntimeDirectoryLock.TryTake(path)).WaitAsync(TimeSpan.FromSeconds(5)),
            Throws.TypeOf<UserErrorException>().With.Message.Contains(path).And.Message.Contains("symbolic link"));
        Assert.That(File.Exists(target), Is.Not.EqualTo(dangles));
    }

    [Test]
    public void TryTake_DirectoryAtThePath_SaysSo()
    {
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["control.lock"]);

        Assert.That(() => RuntimeDirectoryLock.TryTake(scratch["control.lock"]), Throws.InstanceOf<IOException>().With.Message.Contains("EISDIR"));
    }

    [Test]
    public void TryTake_FileMadeForIt_IsTheOwnersAlone()
    {
        using var scratch = new ScratchDirectory();

        using (RuntimeDirectoryLock.TryTake(scratch["control.lock"]))
            Assert.That(File.GetUnixFileMode(scratch["control.lock"]), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }
}
