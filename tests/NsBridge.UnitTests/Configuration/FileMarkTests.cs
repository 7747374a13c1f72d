using NsBridge.Configuration.Reading;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Configuration;

internal sealed class FileMarkTests
{
    [Test]
    public async Task Of_PermissionsMended_IsAnother()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", "{}");
        File.SetUnixFileMode(file, UnixFileMode.None);
        var before = FileMark.Of(file);
        // The file system's clock ticks slower than this.
        await Task.Delay(50);

        File.SetUnixFileMode(file, UnixFileMode.UserRead);

        Assert.That(FileMark.Of(file), Is.Not.EqualTo(before));
    }

    [Test]
    public void Of_FileThatIsRead_StaysTheSame()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", "{}");
        var before = FileMark.Of(file);

        File.ReadAllText(file);

        Assert.That(FileMark.Of(file), Is.EqualTo(before));
    }
}
