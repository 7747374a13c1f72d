using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Expose;

/// <summary>How the command starts, what it prints and how it ends.</summary>
internal sealed class ExposeTests : ExposeFixture
{
    private const int StartAttempts = 10;
    private static readonly TimeSpan s_ready = TimeSpan.FromMilliseconds(150);

    [Test]
    [Promise("expose.line")]
    public async Task Bridge_ThatServes_IsOneLineWithItsPort()
    {
        ExposePlace place = await PlaceAsync();
        int port = HostSockets.FreePort();
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());
        List<string> line = program.Line(false, place.Reference, $"{port}");
        using var expose = BackgroundProcess.Start(line[0], line[1..]);

        await expose.LineAsync(text => text == $"localhost:{port} -> {place.Reference} -> localhost:{port}", Soon, "its line");
        Assert.That(HostSockets.IsListening(new IPEndPoint(IPAddress.Loopback, port)));
        Assert.That(HostSockets.IsListening(new IPEndPoint(IPAddress.IPv6Loopback, port)));
        Assert.That(expose.Lines, Has.Count.EqualTo(1));
    }

    [Test]
    [Promise("expose.line")]
    public async Task Json_OfEachBridge_IsAnObjectALineThenMessagesFollow()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        ExposeProgram program = await ExposeAsync(ExposePlace.Of(space), "3000", "3001", "--listen", "0");
        await program.Process.LineAsync(line => line.Contains("is waiting", StringComparison.Ordinal), Soon, "the missing namespace");
        await space.AddAsync();

        JsonElement first = await program.BridgeAsync("localhost:3000");
        JsonElement second = await program.BridgeAsync("localhost:3001");
        Assert.That(first.GetProperty("state").GetString(), Is.EqualTo("up"));
        Assert.That(first.GetProperty("namespace").GetProperty("reference").GetString(), Is.EqualTo(space.Name));
        Assert.That(first.GetProperty("socket").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(second.GetProperty("listen")[0].GetString(), Is.Not.EqualTo(first.GetProperty("listen")[0].GetString()));
        Assert.That(program.Process.Lines.Count(line => line.StartsWith('{')), Is.EqualTo(2));
        await space.DeleteAsync();
        await Eventually.TrueAsync(
            () => program.Process.Lines.Count(line => line.Contains("is waiting", StringComparison.Ordinal)) >= 4, Soon, "it waits again");
        await space.AddAsync();
        await program.Process.LineAsync(line => line.StartsWith("info Bridge 3000 is up", StringComparison.Ordinal), Soon, "it follows");
    }

    [Test]
    [Promise("expose.clean")]
    public async Task Start_OfTheNativeExecutable_TakesAtMost150Milliseconds()
    {
        ExposePlace place = await PlaceAsync();
        TimeSpan best = TimeSpan.MaxValue;
        for (int i = 0; i < StartAttempts && best > s_ready; i++)
        {
            ExposeProgram program = await ExposeProgram.PrepareAsync();
            List<string> line = program.Line(false, place.Reference, "3000", "--listen", "0", "--json");
            // The bytes of the first line, without the time that reading line by line costs here; the closed pipe then ends the command.
            long began = Stopwatch.GetTimestamp();
            await Command.CheckAsync("bash", ["-c", "read -r line < <(exec \"$@\" 2>/dev/null)", "bash", .. line]);
            best = TimeSpan.FromTicks(Math.Min(best.Ticks, Stopwatch.GetElapsedTime(began).Ticks));
            program.Dispose();
        }
        Assert.That(best, Is.LessThan(s_ready));
    }

    [TestCase("INT", 0)]
    [TestCase("TERM", 0)]
    [TestCase("KILL", 137)]
    [Promise("expose.end")]
    [Promise("expose.clean")]
    public async Task Signal_EndsItAndNothingIsLeft(string signal, int code)
    {
        ExposePlace place = await PlaceAsync();
        TargetServer server = Own(place.Serve(Serve.Echo));
        HashSet<string> before = SocketFiles();
        ExposeProgram program = await ExposeAsync(place, $"{server.EndPoint}", "--listen", "0", "--join", "relay");
        IPEndPoint listen = await program.ListenAsync($"{server.EndPoint}");
        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(Pattern.Take(100));
        Assert.That(SocketFiles(), Is.SubsetOf(before), "it has no socket file");
        Assert.That(program.Leftovers, Is.Empty);

        await program.Process.SignalAsync(signal);

        Assert.That(await program.Process.ExitAsync(), Is.EqualTo(code));
        Assert.That(await client.EndingAsync(), Is.EqualTo(signal == "KILL" ? Ending.Closed : Ending.Reset));
        Assert.That(program.Leftovers, Is.Empty);
        Assert.That(HostSockets.IsListening(listen), Is.False);
    }

    [Test]
    [Promise("expose.clean")]
    public async Task Files_OfAConfiguration_AreNotRead()
    {
        ExposePlace place = await PlaceAsync();
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());
        List<string> line = program.Line(false, place.Reference, "3000", "--listen", "0");
        ScratchDirectory scratch = Scratch();
        using var expose = BackgroundProcess.Start(
            "strace", ["-f", "-qq", "-e", "trace=%file,bind", "-o", scratch["trace"], .. line]);
        await expose.LineAsync(text => text.StartsWith("localhost:", StringComparison.Ordinal), Soon, "its line");
        string trace = await File.ReadAllTextAsync(scratch["trace"]);

        foreach (string made in new[] { "appsettings", "O_CREAT", "mkdir", "/run/nsbridge", "sun_path=\"/" })
            Assert.That(trace, Does.Not.Contain(made));
    }

    [Test]
    [Promise("expose.clean")]
    public async Task PrivateSocket_OfTheHalves_ClosesWhatOtherProcessesConnect()
    {
        ExposePlace place = await PlaceAsync();
        await BridgeAsync(place, place.Serve(Serve.Greeting("inside")));
        string[] names = [.. File.ReadLines("/proc/net/unix").Select(line => line.Split(' ')[^1])
            .Where(name => name.StartsWith("@nsbridge-", StringComparison.Ordinal)).Distinct()];

        Assert.That(names, Is.Not.Empty);
        foreach (string name in names)
        {
            using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await other.ConnectAsync(new UnixDomainSocketEndPoint($"\0{name[1..]}"));
            Assert.That(await other.ReceiveAsync(new byte[1]).WaitAsync(Soon), Is.Zero);
        }
    }

    [Test]
    [Promise("expose.end")]
    public async Task ClosedOutput_OfJson_EndsIt()
    {
        ExposePlace place = await PlaceAsync();
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());
        List<string> line = program.Line(false, place.Reference, "3000", "--listen", "0", "--json");

        Assert.That(
            await Command.CheckAsync("bash", ["-c", "\"$@\" | head -n 1; echo ${PIPESTATUS[0]}", "bash", .. line]),
            Does.StartWith("{").And.EndsWith("}\n0\n"));
    }

    [Test]
    [Promise("expose.end")]
    public async Task Process_OfTheNamespace_EndsItWithItsOwnEnd()
    {
        TestNamespace space = await NamespaceAsync();
        using BackgroundProcess holder = space.Start("sleep", "600");
        await Eventually.TrueAsync(() => ProcessFacts.ThreadNamespaces(holder.Id).Single() != ProcessFacts.HomeNamespace, Soon, "inside");
        ExposeProgram program = Own(await ExposeProgram.StartAsync(false, $"pid:{holder.Id}", "3000", "--listen", "0"));
        await program.BridgeAsync("localhost:3000");

        await holder.SignalAsync("KILL");

        Assert.That(await program.Process.ExitAsync(), Is.Zero);
    }

    [Test]
    [Promise("expose.clean")]
    public async Task TwoAtOnce_DisturbNeitherEachOtherNorTheDaemon()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        var place = ExposePlace.Of(scene.Namespace);
        ExposeProgram one = await ExposeAsync(place, $"{scene.Server.EndPoint}", "--listen", "0");
        ExposeProgram other = await ExposeAsync(place, $"{scene.Server.EndPoint}", "--listen", "0");
        IPEndPoint first = await one.ListenAsync($"{scene.Server.EndPoint}");
        IPEndPoint second = await other.ListenAsync($"{scene.Server.EndPoint}");
        Assert.That(await EchoesAsync(first) && await EchoesAsync(second) && await EchoesAsync(scene.Listen));

        await one.Process.SignalAsync("KILL");
        await one.Process.ExitAsync();

        Assert.That(await EchoesAsync(second) && await EchoesAsync(scene.Listen));
    }

    [TestCase(64, "TARGET \"foo\"", "NS", "foo")]
    [TestCase(64, "NAMESPACE \"a b\"", "a b", "3000")]
    [TestCase(64, "--listen \"no\"", "NS", "3000", "--listen", "no")]
    [TestCase(64, "--allow \"10.0.0.0/99\"", "NS", "3000", "--allow", "10.0.0.0/99")]
    [TestCase(64, "--join", "NS", "3000", "--join", "glue")]
    [TestCase(64, "--listen", "NS", "unix:/run/app.sock")]
    [TestCase(64, "TARGET", "NS")]
    [TestCase(78, "TARGET = \"localhost:3000-3003\"", "NS", "3000-3003", "--listen", "3000")]
    [TestCase(78, "run in a circle", "host", "3000")]
    [TestCase(1, "there is no process 4194304", "pid:4194304", "3000")]
    [Promise("cli.exit-codes")]
    public async Task Fault_OfTheCommandLine_IsNamedByTheArgument(int code, string message, params string[] arguments)
    {
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());
        CommandResult result = await program.RunAsync(false, [.. arguments.Select(word => word == "NS" ? "any" : word)]);

        Assert.That(result.ExitCode, Is.EqualTo(code), result.Everything);
        Assert.That(result.Error, Does.Contain(message));
        Assert.That(result.Output, Is.Empty);
    }

    [TestCase(false)]
    [TestCase(true)]
    [Promise("cli.exit-codes")]
    public async Task Privilege_ThatIsMissing_IsNamed(bool isIntoPort0)
    {
        ExposePlace place = await PlaceAsync();
        ExposeProgram program = Own(await ExposeProgram.PrepareAsync());
        CommandResult result = await program.RunAsync(
            true, [place.Reference, "3000", .. isIntoPort0 ? ["--into", "--listen", "0"] : Array.Empty<string>()]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Error, Does.Contain("CAP_SYS_ADMIN"));
    }

    /// <summary>The paths of all UNIX sockets of this network namespace.</summary>
    private static HashSet<string> SocketFiles() =>
        [.. File.ReadLines("/proc/net/unix").Select(line => line.Split(' ')[^1]).Where(name => name.StartsWith('/'))];
}
