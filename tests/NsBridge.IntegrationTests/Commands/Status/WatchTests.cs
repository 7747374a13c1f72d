using System.Net.Sockets;
using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Status;

/// <summary><c>status --watch</c> as people have it: on a terminal.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed partial class WatchTests : BridgeFixture
{
    [Test]
    [Promise("cli.interrupt")]
    public async Task Watch_OnATerminal_RefreshesInPlaceUntilInterrupted()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using TerminalWatch watch = await TerminalWatch.StartAsync(scene.Daemon, rows: 24, columns: 200);

        await watch.ShowsAsync(" 0     0 ");
        using (Socket client = await ConnectAsync(scene))
        {
            await client.EchoAsync(Pattern.Take(1000));
            await watch.ShowsAsync(" 1     1 ");
        }

        Assert.That(watch.Frames, Has.None.Contain("more lines"));
        Assert.That(await watch.InterruptAsync(), Does.Contain("BRIDGE").And.Contain(scene.Listen.ToString()), "the last state stays");
    }

    [Test]
    public async Task Watch_OnQ_EndsAndLeavesTheTerminalAsItWas()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using TerminalWatch watch = await TerminalWatch.StartAsync(scene.Daemon, rows: 24, columns: 200);
        await watch.ShowsAsync("BRIDGE");

        Assert.That(await watch.PressAsync("xq"), Does.Contain(scene.Listen.ToString()), "the last state stays");
    }

    [TestCase(1, 1)]
    [TestCase(3, 40)]
    [TestCase(2, 12)]
    public async Task Watch_OnASmallTerminal_CutsWhatDoesNotFit(int rows, int columns)
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using TerminalWatch watch = await TerminalWatch.StartAsync(scene.Daemon, rows, columns);
        await Eventually.TrueAsync(() => Task.FromResult(watch.Frames.Length > 2), Soon, "two whole frames");

        Assert.That(await watch.InterruptAsync(), Does.Contain(scene.Listen.ToString()), "whole again where there is room to scroll");
        foreach (string[]? lines in watch.Frames.Select(frame => frame.Split("\r\r\n")))
        {
            Assert.That(lines, Has.Length.LessThanOrEqualTo(rows));
            Assert.That(lines.Select(line => ControlSequence().Replace(line, "")), Has.All.Length.LessThanOrEqualTo(columns));
            // Erasing behind a full line takes its last character along.
            Assert.That(lines.Select(line => line.LastIndexOfAny(['K', 'J'], 2)), Has.All.EqualTo(2), "erased first");
        }
    }

    [Test]
    public async Task Watch_OnATerminalThatDoesNotTellItsSize_ShowsEightyColumns()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using TerminalWatch watch = await TerminalWatch.StartAsync(scene.Daemon, rows: 0, columns: 0);

        await watch.ShowsAsync("BRIDGE");
        await watch.InterruptAsync();
    }

    [Test]
    public async Task Watch_WhileTheDaemonIsAway_WaitsForIt()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using TerminalWatch watch = await TerminalWatch.StartAsync(scene.Daemon, rows: 24, columns: 200);
        await watch.ShowsAsync("BRIDGE");
        await scene.Daemon.StopAsync();
        int away = await watch.ShowsAsync("does not answer; waiting for it");

        await StartAsync(new DaemonConfig(scene.Entry) { RuntimeDirectory = scene.Daemon.RuntimeDirectory });

        await watch.ShowsAsync("BRIDGE", from: away);
        await watch.InterruptAsync();
    }

    [Test]
    public async Task Watch_InterruptedWhileTheDaemonIsAway_LeavesTheTerminalAsItWas()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using TerminalWatch watch = await TerminalWatch.StartAsync(scene.Daemon, rows: 24, columns: 200);
        await watch.ShowsAsync("BRIDGE");
        await scene.Daemon.StopAsync();
        await watch.ShowsAsync("does not answer; waiting for it");

        Assert.That(await watch.InterruptAsync(), Does.Contain("does not answer"));
    }

    [GeneratedRegex("\e\\[[0-9]*[A-Za-z]")]
    private static partial Regex ControlSequence();
}
