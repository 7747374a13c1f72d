using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Configuration;

/// <summary>A pipe in the place of the file: the caller's own is read, one that lies on the disk would be waited for without end.</summary>
[TestFixture]
internal sealed class PipeFileTests
{
    private const string Empty = """{"NsBridge":{"Bridges":[]}}""";

    private ScratchDirectory _scratch = null!;

    [SetUp]
    public void MakeFolder() => _scratch = new ScratchDirectory();

    [TearDown]
    public void RemoveFolder() => _scratch.Dispose();

    [Test]
    public async Task Load_ANamedPipe_IsRefusedAtOnce()
    {
        string pipe = _scratch["pipe.json"];
        await Command.CheckAsync("mkfifo", pipe);

        ConfigurationOutcome outcome = await Task.Run(() => Load(pipe)).WaitAsync(TimeSpan.FromSeconds(2));

        LoadedText.AssertOnlyFault(outcome, pipe, "named pipe");
    }

    [Test]
    public void Load_APipeOfTheCaller_IsRead()
    {
        Assert.That(Libc.Pipe(out int read, out int write), Is.Zero);
        Fill(write);

        ConfigurationOutcome outcome = Load($"/dev/fd/{read}");
        Libc.Close(read);

        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
    }

    [Test]
    public async Task Load_ANamedPipeThatTheCallerHasOpen_IsRead()
    {
        await Command.CheckAsync("mkfifo", _scratch["pipe"]);
        int read = Libc.Open(Libc.PathBytes(_scratch["pipe"]), Libc.O_RDONLY | Libc.O_NONBLOCK);
        int write = Libc.Open(Libc.PathBytes(_scratch["pipe"]), Libc.O_RDWR);
        Libc.Write(write, System.Text.Encoding.UTF8.GetBytes(Empty));

        // Its last writer goes away while it is read, as the shell's does.
        Task<ConfigurationOutcome> loading = Task.Run(() => Load($"/dev/fd/{read}"));
        await Task.Delay(100);
        Libc.Close(write);
        ConfigurationOutcome outcome = await loading.WaitAsync(TimeSpan.FromSeconds(2));
        Libc.Close(read);

        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
    }

    private static void Fill(int write)
    {
        Libc.Write(write, System.Text.Encoding.UTF8.GetBytes(Empty));
        Libc.Close(write);
    }

    private static ConfigurationOutcome Load(string file) => new ConfigurationLoader(file, new Dictionary<string, string>()).Load();
}
