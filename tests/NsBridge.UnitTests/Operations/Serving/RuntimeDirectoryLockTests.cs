using NsBridge.Operations.Serving;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Operations.Serving;

internal sealed class RuntimeDirectoryLockTests
{
    [Test]
    public void IsHeld_IsTrueExactlyWhileTheLockIsTaken()
    {
        using var scratch = new ScratchDirectory();
        var path = scratch["control.lock"];
        Assert.That(RuntimeDirectoryLock.IsHeld(path), Is.False);

        using (RuntimeDirectoryLock.TryTake(path))
            Assert.That(RuntimeDirectoryLock.IsHeld(path), Is.True);

        File.WriteAllText(path, "");
        Assert.That(RuntimeDirectoryLock.IsHeld(path), Is.False, "a file alone is no daemon");
    }
}
