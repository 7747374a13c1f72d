using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.Commands.Demo;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands;

/// <summary>[cli.interrupt] SIGINT and SIGTERM end every command within 0.5 s.</summary>
internal sealed class InterruptTests
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    /// <summary>The file is a pipe that is never written: the command waits within read(2), where no token reaches it.</summary>
    [TestCase("check --config /dev/fd/3", "INT")]
    [TestCase("check --config /dev/fd/3", "TERM")]
    [TestCase("status --config /dev/fd/3", "INT")]
    [TestCase("doctor --config /dev/fd/3", "TERM")]
    [TestCase("discover --config /dev/fd/3", "INT")]
    [TestCase("import /dev/fd/3", "INT")]
    [TestCase("import /dev/fd/3", "TERM")]
    public async Task Command_BlockedInTheKernel_EndsAtTheSignal(string call, string signal)
    {
        string line = $"exec {await PublishedDaemon.PathAsync()} {call} 3< <(exec sleep 60 2>/dev/null)";
        using var command = BackgroundProcess.Start("setsid", ["env", "--default-signal=INT", "bash", "-c", line]);
        await Eventually.TrueAsync(() => HandlesSignals(command.Id), s_soon, "the command waits");
        await Task.Delay(TimeSpan.FromMilliseconds(200));

        await CheckEndsAsync(command, signal);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_WithAClientThatStaysConnected_EndsAtTheSignal(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using BackgroundProcess demo = await program.StartAsync();
        string url = demo.Lines.Single(line => line.Contains("curl http", StringComparison.Ordinal)).Trim()["curl ".Length..];
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPEndPoint.Parse(new Uri(url).Authority));
        await client.SendAsync("GET / HTTP/1.1\r\n"u8.ToArray());
        await Task.Delay(TimeSpan.FromMilliseconds(200));

        await CheckEndsAsync(demo, "INT");

        Assert.That(program.Leftovers, Is.Empty);
    }

    private static async Task CheckEndsAsync(BackgroundProcess command, string signal)
    {
        var clock = Stopwatch.StartNew();
        await command.SignalAsync(signal);
        await command.ExitAsync();
        Assert.That(clock.Elapsed, Is.LessThan(s_promised));
    }

    private static bool HandlesSignals(int process)
    {
        string[] lines = File.ReadAllLines($"/proc/{process}/status");
        string caught = lines.Single(line => line.StartsWith("SigCgt:", StringComparison.Ordinal))["SigCgt:".Length..].Trim();
        const long interruptAndTerminate = (1L << 1) | (1L << 14);
        return lines[0].EndsWith("nsbridge", StringComparison.Ordinal)
            && (long.Parse(caught, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & interruptAndTerminate) == interruptAndTerminate;
    }
}
