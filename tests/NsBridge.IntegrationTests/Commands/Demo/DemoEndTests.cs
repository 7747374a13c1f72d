using System.Globalization;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Demo;

/// <summary>However the demo ends, nothing of it stays.</summary>
[Promise("cli.interrupt")]
internal sealed class DemoEndTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    [TestCase(true, "INT", 0)]
    [TestCase(true, "TERM", 0)]
    [TestCase(true, "KILL", 137)]
    [TestCase(false, "INT", 0)]
    [TestCase(false, "TERM", 0)]
    [TestCase(false, "KILL", 137)]
    public async Task Demo_EndedBySignal_LeavesNoProcessNoNamespaceAndNoFile(bool asRoot, string signal, int code)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using BackgroundProcess demo = await program.StartAsync();
        int second = Children(demo.Id).Single();
        using var place = new ProcessPlace(second);
        string url = demo.Lines.Single(line => line.Contains("curl http", StringComparison.Ordinal)).Trim()["curl ".Length..];
        Assert.That(await Command.CheckAsync("curl", "--silent", "--max-time", "5", url), Does.Contain("Hello from inside"));

        await demo.SignalAsync(signal);

        Assert.That(await demo.ExitAsync(), Is.EqualTo(code));
        if (signal != "KILL")
            Assert.That(demo.Lines, Has.Some.Contains("served 1 client."));
        await CheckGoneAsync(program, second, place);
    }

    [TestCase(true, "INT")]
    [TestCase(true, "TERM")]
    [TestCase(true, "HUP")]
    [TestCase(false, "INT")]
    [TestCase(false, "TERM")]
    [TestCase(false, "HUP")]
    public async Task Demo_WhoseWholeGroupIsSignalled_LeavesNoProcessNoNamespaceAndNoFile(bool asRoot, string signal)
    {
        // As a terminal does it for Ctrl-C and when it is closed, and timeout(1) when the time is over.
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using BackgroundProcess demo = await program.StartAsync();
        int second = Children(demo.Id).Single();
        using var place = new ProcessPlace(second);

        await Command.CheckAsync("/bin/sh", "-c", $"kill -{signal} -{demo.Id}");

        await demo.ExitAsync();
        await CheckGoneAsync(program, second, place);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_SignalledTwiceAtOnce_LeavesNoProcessNoNamespaceAndNoFile(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using BackgroundProcess demo = await program.StartAsync();
        int second = Children(demo.Id).Single();
        using var place = new ProcessPlace(second);

        await Command.CheckAsync("/bin/sh", "-c", $"kill -TERM {demo.Id}; kill -TERM {demo.Id} || :");

        Assert.That(await demo.ExitAsync(), Is.Zero);
        await CheckGoneAsync(program, second, place);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_WhoseSecondProcessIsKilled_LeavesNoFile(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using BackgroundProcess demo = await program.StartAsync();
        await Command.CheckAsync("/bin/sh", "-c", $"kill -KILL {Children(demo.Id).Single()}");

        await demo.SignalAsync("INT");

        Assert.That(await demo.ExitAsync(), Is.Zero);
        Assert.That(program.Leftovers, Is.Empty);
    }

    private static async Task CheckGoneAsync(DemoProgram program, int second, ProcessPlace place)
    {
        await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{second}"), s_soon, "the namespace's process is gone");
        Assert.That(place.Processes(), Is.Empty);
        Assert.That(program.Leftovers, Is.Empty);
    }

    private static List<int> Children(int parent) =>
        // Told by the thread that started them, whichever of the pool that was.
        [.. Directory.EnumerateDirectories($"/proc/{parent}/task")
            .SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
}
