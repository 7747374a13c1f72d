using NsBridge.Base;
using NsBridge.Commands.Import;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Commands.Import;

/// <summary>What is named as a file to import and cannot be read as one.</summary>
internal sealed class SourceFileTests
{
    [TestCase("/dev/zero", "larger than 16 MiB")]
    [TestCase("/proc/self/mem", "EIO")]
    [TestCase("/usr", "directory")]
    public void Read_OfWhatIsNoFileToRead_SaysWhat(string file, string piece) =>
        Assert.That(() => ImportSource.Read(file), Throws.TypeOf<UserErrorException>().With.Message.Contains(file).And.Message.Contains(piece).And.Property("ExitCode").EqualTo(1));

    [Test]
    public void Read_OfAFileThatIsNotThere_NamesIt() =>
        Assert.That(() => ImportSource.Read("missing.service"), Throws.TypeOf<UserErrorException>().With.Message.EqualTo("there is no file 'missing.service'"));

    [Test]
    public async Task Read_OfANamedPipe_IsRefusedAtOnce()
    {
        using var scratch = new ScratchDirectory();
        string pipe = scratch["pipe.service"];
        await Command.CheckAsync("mkfifo", pipe);

        Task<string> reading = Task.Run(() => Assert.Throws<UserErrorException>(() => ImportSource.Read(pipe))!.Message);

        Assert.That(await reading.WaitAsync(TimeSpan.FromSeconds(2)), Does.Contain("named pipe"));
    }

    [Test]
    public void Read_OfAFileWithAByteOrderMark_FindsItsSections()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("a b.service", "\ufeff[Service]\nNetworkNamespacePath=/run/netns/vpn\nExecStart=socat TCP-LISTEN:80,fork TCP:127.0.0.1:80\n");

        Assert.That(ImportSource.Read(file).Commands().Single().Place.Namespace, Is.EqualTo("vpn"));
    }
}
