using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Demo;

/// <summary>
/// <c>nsbridge demo</c> as root and as a user without any privilege, with a temporary directory of its own, so that files left there are
/// its own.
/// </summary>
internal sealed class DemoProgram : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);
    private readonly ScratchDirectory _scratch = new();
    private readonly bool _asRoot;

    private DemoProgram(bool asRoot) => _asRoot = asRoot;

    /// <summary>What is left of it.</summary>
    public string[] Leftovers => Directory.GetFileSystemEntries(_scratch["tmp"]);

    public static async Task<DemoProgram> PrepareAsync(bool asRoot)
    {
        var program = new DemoProgram(asRoot);
        program._scratch.OpenToEveryone();
        Directory.CreateDirectory(program._scratch["tmp"]);
        await Command.CheckAsync("chmod", "1777", program._scratch["tmp"]);
        // Other users may not be able to reach the checkout.
        File.Copy(await PublishedDaemon.PathAsync(), program._scratch["nsbridge"]);
        return program;
    }

    /// <summary>Runs <c>demo --once</c> to its end.</summary>
    /// <param name="within">A command that ends by executing what follows it, run by the demo's user.</param>
    public async Task<CommandResult> OnceAsync(params string[] within)
    {
        List<string> line = Line(within, "--once");
        CommandResult result = await Command.RunAsync(line[0], line[1..], s_deadline);
        Executable.CheckPlain(result);
        return result;
    }

    /// <summary>Starts <c>demo</c> and returns when it has printed the line to try.</summary>
    public async Task<BackgroundProcess> StartAsync()
    {
        // Of a group of its own, as a shell would start it; one that starts the tests in the background has SIGINT ignored, and so would
        // the demo.
        List<string> line = Line(["setsid", "env", "--default-signal=INT"]);
        var demo = BackgroundProcess.Start(line[0], line[1..]);
        try
        {
            await demo.LineAsync(text => text.Contains("curl http", StringComparison.Ordinal), s_deadline, "the line to try");
            return demo;
        }
        catch
        {
            demo.Dispose();
            throw;
        }
    }

    public void Dispose() => _scratch.Dispose();

    private List<string> Line(string[] within, params string[] options)
    {
        string[] user = _asRoot ? [] : ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"];
        return ["env", $"TMPDIR={_scratch["tmp"]}", .. user, .. within, _scratch["nsbridge"], "demo", .. options];
    }
}
