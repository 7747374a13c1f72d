using System.Formats.Tar;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.References;

/// <summary>
/// A real Docker engine with a socket, storage and state of its own, and an image made from a folder: no registry, no bridge, no firewall
/// rule. It is asked what to do by its API, as its own program does it.
/// </summary>
internal sealed class DockerHost : IAsyncDisposable
{
    private const string Repository = "nsbridge-test";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly ScratchDirectory _scratch = new();
    private readonly BackgroundProcess _engine;
    private readonly HttpClient _api;
    private readonly List<string> _containers = [];

    private DockerHost()
    {
        string socket = _scratch["docker.sock"];
        _engine = BackgroundProcess.Start(
            "unshare",
            [
                // It leaves mounts behind if a container had the host's network; in a mount namespace of its own they go with it.
                "--mount", "--propagation", "private", "dockerd", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                    "--ip-masq=false", "--bridge=none",
                "--storage-driver=vfs", "--log-level=warn",
                "--data-root", _scratch["data"], "--exec-root", _scratch["exec"], "--pidfile", _scratch["docker.pid"], "--host",
                $"unix://{socket}",
            ]);
        _api = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (_, cancel) => await ConnectAsync(socket, cancel) })
        {
            BaseAddress = new Uri("http://docker"),
            Timeout = s_patience,
        };
    }

    /// <summary>What a program needs in its environment to find this engine.</summary>
    public IReadOnlyDictionary<string, string?> Environment =>
        new Dictionary<string, string?> { ["HOME"] = _scratch.FullName, ["XDG_RUNTIME_DIR"] = _scratch.FullName };

    /// <summary>Starts the engine, and makes the image.</summary>
    public static async Task<DockerHost> StartAsync()
    {
        await DebianPackages.RequireAsync("docker.io", "busybox-static");
        var docker = new DockerHost();
        try
        {
            await Eventually.TrueAsync(docker.AnswersAsync, s_patience, () => $"Docker answers\n{string.Join('\n', docker._engine.Lines)}");
            await docker.MakeImageAsync();
            return docker;
        }
        catch
        {
            await docker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a container with an echo server.</summary>
    public async Task RunEchoAsync(string name, int port, string network = "none")
    {
        var container = new JsonObject
        {
            ["Image"] = $"{Repository}:1",
            ["Cmd"] = new JsonArray("/bin/busybox", "nc", "-ll", "-p", $"{port}", "-e", "/bin/busybox", "cat"),
            ["HostConfig"] = new JsonObject { ["NetworkMode"] = network },
        };
        await DoAsync(HttpMethod.Post, $"/containers/create?name={name}", JsonContent.Create(container));
        _containers.Add(name);
        await DoAsync(HttpMethod.Post, $"/containers/{name}/start");
    }

    public Task StartAsync(string name) => DoAsync(HttpMethod.Post, $"/containers/{name}/start");

    public Task StopAsync(string name) => DoAsync(HttpMethod.Post, $"/containers/{name}/stop?t=0");

    public Task RestartAsync(string name) => DoAsync(HttpMethod.Post, $"/containers/{name}/restart?t=0");

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (string name in _containers)
                await DoAsync(HttpMethod.Delete, $"/containers/{name}?force=true");
            // It ends its containerd with itself.
            await _engine.SignalAsync("TERM");
            await _engine.ExitAsync(s_patience);
        }
        finally
        {
            _engine.Dispose();
            _api.Dispose();
            _scratch.Dispose();
        }
    }

    private static async Task<Stream> ConnectAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<bool> AnswersAsync()
    {
        if (_engine.HasExited)
            throw new InvalidOperationException($"dockerd has ended:\n{string.Join('\n', _engine.Lines)}");
        try
        {
            return (await _api.GetAsync("/_ping")).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task MakeImageAsync()
    {
        Directory.CreateDirectory(_scratch["image/bin"]);
        File.Copy("/bin/busybox", _scratch["image/bin/busybox"]);
        await TarFile.CreateFromDirectoryAsync(_scratch["image"], _scratch["image.tar"], includeBaseDirectory: false);
        await using FileStream tar = File.OpenRead(_scratch["image.tar"]);
        await DoAsync(HttpMethod.Post, $"/images/create?fromSrc=-&repo={Repository}&tag=1", new StreamContent(tar));
    }

    private async Task DoAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using HttpResponseMessage answer = await _api.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
        {
            string text = await answer.Content.ReadAsStringAsync();
            throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {text}\n{string.Join('\n', _engine.Lines)}");
        }
    }
}
