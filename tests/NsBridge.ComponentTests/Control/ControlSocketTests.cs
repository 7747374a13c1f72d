using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Control;
using NsBridge.Fixtures;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Control;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
public class ControlSocketTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly ConfigurationLoader s_loader = new("/etc/other.json", new Dictionary<string, string>());
    private ScratchDirectory _scratch = null!;
    private DaemonSettings _settings = null!;
    private Reports _reports = null!;
    private ControlSocket _control = null!;

    [SetUp]
    public async Task Start()
    {
        _scratch = new ScratchDirectory();
        _settings = new DaemonSettings { RuntimeDirectory = _scratch["run"], ShutdownTimeout = TimeSpan.Zero, Bridges = [] };
        _reports = new Reports();
        _reports.Now.Add(Reports.Web with { TargetState = TargetState.Answers });
        _control = Make();
        await _control.StartAsync(default);
    }

    [TearDown]
    public async Task Stop()
    {
        await _control.DisposeAsync();
        _scratch.Dispose();
    }

    [Test]
    [Promise("status.json")]
    public async Task Status_Asked_AnswersAsPromised()
    {
        using var document = JsonDocument.Parse(await ControlClient.AskStatusAsync(_settings.ControlSocket, default));

        JsonElement root = document.RootElement;
        JsonElement bridge = root.GetProperty("bridges")[0];
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("version").GetString(), Does.Match(@"^\d+\.\d+\.\d+$"));
            Assert.That(root.GetProperty("pid").GetInt32(), Is.EqualTo(Environment.ProcessId));
            Assert.That(root.GetProperty("configuration").GetString(), Is.EqualTo("/etc/other.json"));
            Assert.That(bridge.GetProperty("name").GetString(), Is.EqualTo("web"));
            Assert.That(bridge.GetProperty("state").GetString(), Is.EqualTo("up"));
            Assert.That(bridge.GetProperty("reason").GetString(), Is.Empty);
            Assert.That(bridge.GetProperty("namespace").GetRawText(), Is.EqualTo("""{"reference":"vpn","cookie":4711}"""));
            Assert.That(bridge.GetProperty("listen").GetRawText(), Is.EqualTo("""["0.0.0.0:3003"]"""));
            Assert.That(bridge.GetProperty("socket").GetString(), Is.EqualTo("/run/nsbridge/web.sock"));
            Assert.That(bridge.GetProperty("target").GetString(), Is.EqualTo("127.0.0.1:3000"));
            Assert.That(bridge.GetProperty("listenNamespace").GetString(), Is.EqualTo("host"));
            Assert.That(bridge.GetProperty("targetState").GetString(), Is.EqualTo("answers"));
            Assert.That(bridge.GetProperty("lastFailure").GetRawText(),
                Is.EqualTo("""{"at":"2026-11-23T12:00:00Z","reason":"ECONNREFUSED","count":14}"""));
            Assert.That(bridge.GetProperty("connections").GetRawText(), Is.EqualTo("""{"active":3,"total":120,"refused":2,"failed":5}"""));
            Assert.That(bridge.GetProperty("bytes").GetRawText(), Is.EqualTo("""{"toTarget":1500000,"toClient":3221225472}"""));
        });
    }

    [Test]
    public void File_WhileRunning_IsTheOwnersAlone() =>
        Assert.That(File.GetUnixFileMode(_settings.ControlSocket), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));

    [Test]
    public async Task Stop_AfterServing_LeavesNothingBehind()
    {
        await ControlClient.AskStatusAsync(_settings.ControlSocket, default);
        await _control.StopAsync(default);

        Assert.That(Directory.GetFileSystemEntries(_settings.RuntimeDirectory), Is.Empty);
    }

    [Test]
    public void Start_OfASecondDaemon_IsRefusedByThePidOfTheFirst()
    {
        ControlSocket second = Make();

        Assert.That(() => second.StartAsync(default),
            Throws.TypeOf<UserErrorException>().With.Message.Contains($"already running as pid {Environment.ProcessId}"));
    }

    [TestCase("")]
    [TestCase("control")]
    [TestCase("control.lock")]
    public async Task File_RemovedWhileRunning_IsThereAgain(string file)
    {
        string path = Path.Combine(_settings.RuntimeDirectory, file);
        if (file.Length == 0)
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);

        await Eventually.TrueAsync(
            () => File.Exists(_settings.ControlSocket) && File.Exists(_settings.ControlSocket + ".lock"), s_soon, "both are there again");
        Assert.That(await ControlClient.AskStatusAsync(_settings.ControlSocket, default), Is.Not.Empty);
        Assert.That(() => Make().StartAsync(default),
            Throws.TypeOf<UserErrorException>().With.Message.Contains($"pid {Environment.ProcessId}"));
        await _control.StopAsync(default);
        Assert.That(Directory.GetFileSystemEntries(_settings.RuntimeDirectory), Is.Empty);
    }

    [Test]
    public async Task Lock_AnotherDaemonHasTaken_IsLeftToIt()
    {
        string path = _settings.ControlSocket + ".lock";
        File.Delete(path);
        using var other = RuntimeDirectoryLock.TryTake(path);
        Assert.That(other, Is.Not.Null);

        await _control.StopAsync(default);

        Assert.That(RuntimeDirectoryLock.IsHeld(path));
    }

    [Test]
    public async Task Lock_ALinkInItsPlace_KeepsTheStopFromNothing()
    {
        string path = _settings.ControlSocket + ".lock";
        File.Delete(path);
        File.CreateSymbolicLink(path, _scratch["elsewhere"]);
        // The next look comes meanwhile.
        await Task.Delay(TimeSpan.FromSeconds(1.5));

        await _control.StopAsync(default).WaitAsync(s_soon);

        Assert.That(File.Exists(_scratch["elsewhere"]), Is.False);
    }

    [Test]
    public async Task Start_OverTheSocketOfAKilledDaemon_TakesItOver()
    {
        await _control.StopAsync(default);
        using var stale = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        stale.Bind(new UnixDomainSocketEndPoint(_settings.ControlSocket));
        await File.WriteAllTextAsync(_settings.ControlSocket + ".lock", "");

        _control = Make();
        await _control.StartAsync(default);

        Assert.That(await ControlClient.AskStatusAsync(_settings.ControlSocket, default), Is.Not.Empty);
    }

    [Test]
    public async Task Start_OverALink_IsRefusedAndTouchesNothing()
    {
        await _control.StopAsync(default);
        string precious = _scratch.Write("precious", "kept");
        File.CreateSymbolicLink(_settings.ControlSocket, precious);

        Assert.That(() => Make().StartAsync(default), Throws.TypeOf<UserErrorException>().With.Message.Contains("symbolic link"));
        Assert.That(await File.ReadAllTextAsync(precious), Is.EqualTo("kept"));
    }

    [TestCase("file", "file exists")]
    [TestCase("file/below", "no such file or directory")]
    public void Start_WhereNoDirectoryCanBe_SaysWhy(string directory, string why)
    {
        _scratch.Write("file", "");
        DaemonSettings elsewhere = _settings with { RuntimeDirectory = _scratch[directory] };

        Assert.That(
            () => new ControlSocket(elsewhere, s_loader, _reports, _reports, NullLogger<ControlSocket>.Instance).StartAsync(default),
            Throws.TypeOf<UserErrorException>().With.Message.Contains(why).And.Message.Contains("NsBridge:RuntimeDirectory"));
    }

    [TestCase("end bridge web")]
    [TestCase("end client 192.0.2.0/24")]
    [TestCase("end id 1 2")]
    public async Task End_OfEachSelection_IsPassedOn(string request)
    {
        byte[] answer = await ControlClient.AskAsync(_settings.ControlSocket, request, default);

        Assert.That(Encoding.UTF8.GetString(answer), Is.EqualTo("""{"ended":1}"""));
        (string? bridge, ConnectionFilter filter) = _reports.Ends.Single();
        Assert.That(bridge, Is.EqualTo(request.Contains("web", StringComparison.Ordinal) ? "web" : null));
        Assert.That(filter.Selects(2, PeerAddress.Unix), Is.EqualTo(!request.Contains("client", StringComparison.Ordinal)));
        Assert.That(filter.Selects(3, PeerAddress.From(SockAddr.From(IPAddress.Parse("192.0.2.9"), 1))),
            Is.EqualTo(!request.Contains("id", StringComparison.Ordinal) || bridge is not null));
    }

    [TestCase("end id x\n")]
    [TestCase("end client nowhere\n")]
    [TestCase("end everything\n")]
    [TestCase("GET / HTTP/1.1\r\n\r\n")]
    [TestCase("status please\n")]
    [TestCase("\n")]
    public async Task Request_ThatIsGarbage_IsClosedWithoutAnAnswer(string request)
    {
        using Socket client = await ConnectAsync();
        await client.SendAsync(Encoding.ASCII.GetBytes(request));

        Assert.That(await ReadToEndAsync(client), Is.Empty);
        Assert.That(await ControlClient.AskStatusAsync(_settings.ControlSocket, default), Is.Not.Empty);
    }

    [Test]
    public async Task Status_AmongAThousandSilentClients_IsAnsweredAtOnce()
    {
        var silent = new List<Socket>();
        try
        {
            for (int i = 0; i < 1000; i++)
                silent.Add(await ConnectAsync());

            Task<byte[]> answer = ControlClient.AskStatusAsync(_settings.ControlSocket, default);
            Assert.That(await answer.WaitAsync(TimeSpan.FromSeconds(2)), Is.Not.Empty);
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }
    }

    [Test]
    public async Task Clients_WithoutAWholeRequest_AreClosedAtTheDeadline()
    {
        using Socket silent = await ConnectAsync();
        using Socket slow = await ConnectAsync();
        await slow.SendAsync("end"u8.ToArray());

        byte[][] answers = await Task.WhenAll(ReadToEndAsync(silent), ReadToEndAsync(slow)).WaitAsync(ShortRequestServer.Deadline + s_soon);
        Assert.That(answers, Is.All.Empty);
    }

    [Test]
    public async Task Request_LongerThanAny_IsClosedBeforeTheDeadline()
    {
        using Socket client = await ConnectAsync();
        await client.SendAsync(new byte[10_000]);

        Assert.That(await ReadToEndAsync(client).WaitAsync(ShortRequestServer.Deadline), Is.Empty);
    }

    private ControlSocket Make() => new(_settings, s_loader, _reports, _reports, NullLogger<ControlSocket>.Instance);

    private async Task<Socket> ConnectAsync()
    {
        // Blocking: the kernel then waits for room in the daemon's queue.
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await Task.Run(() => socket.Connect(new UnixDomainSocketEndPoint(_settings.ControlSocket)));
        return socket;
    }

    private static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        try
        {
            int count;
            while ((count = await socket.ReceiveAsync(buffer)) > 0)
                all.Write(buffer, 0, count);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What the daemon did not care to read.
        }

        return all.ToArray();
    }
}
