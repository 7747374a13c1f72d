using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Linux.Interop;

namespace NsBridge.Control;

/// <summary>Serves <c>nsbridge status</c>, <c>connections</c> and <c>end</c>, and makes the daemon the only one of its runtime directory.
/// It starts before the bridges: a second daemon has to fail before it touches the first one's sockets.</summary>
/// <remarks>The client sends one line, the daemon answers with one JSON document and closes: <c>status</c> with a <see
/// cref="StatusDocument"/>, <c>connections [BRIDGE]</c> with a <see cref="ConnectionsDocument"/>, <c>end id ID…</c>, <c>end bridge NAME</c>
/// and <c>end client CIDR</c> with an <see cref="EndDocument"/>. Any other line is closed without an answer.</remarks>
internal sealed partial class ControlSocket : IHostedService, IAsyncDisposable
{
    /// <summary>Bytes of the longest request, its line feed included.</summary>
    private const int LongestRequest = 4096;
    private const int OwnerOnly = 0b110_000_000;

    private readonly DaemonSettings _settings;
    private readonly ConfigurationLoader _loader;
    private readonly IBridgeReports _reports;
    private readonly IBridgeConnections _connections;
    private readonly ILogger<ControlSocket> _log;
    private readonly ServingLoop _serving;
    private RuntimeDirectoryLock? _lock;

    public ControlSocket(
        DaemonSettings settings,
        ConfigurationLoader loader,
        IBridgeReports reports,
        IBridgeConnections connections,
        ILogger<ControlSocket> log)
    {
        _settings = settings;
        _loader = loader;
        _reports = reports;
        _connections = connections;
        _log = log;
        _serving = new ServingLoop("The control socket", Open, AnswerAsync, log)
        {
            Serving = again =>
            {
                if (again)
                    MadeAgain(settings.ControlSocket);
            },
            NotServing = CannotMake,
            Check = KeepLock,
        };
    }

    /// <exception cref="UserErrorException">Another daemon has the directory, or the socket cannot be made there.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _lock = TakeLock();
        try
        {
            _serving.Start();
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _serving.DisposeAsync();
        _lock?.Dispose();
        _lock = null;
    }

    private OpenedListeners Open()
    {
        var listener = LocalListener.Open(_settings.ControlSocket, OwnerOnly, "nsbridge status");
        return new OpenedListeners([listener.Socket], listener);
    }

    /// <summary>Without the lock's file a second daemon would start beside this one.</summary>
    private void KeepLock()
    {
        if (_lock is { IsInPlace: true })
            return;
        RuntimeDirectoryLock taken = TakeLock();
        _lock?.Dispose();
        _lock = taken;
        MadeAgain(_settings.ControlLock);
    }

    private RuntimeDirectoryLock TakeLock()
    {
        string directory = _settings.RuntimeDirectory;
        try
        {
            Directory.CreateDirectory(directory);
            if (RuntimeDirectoryLock.TryTake(_settings.ControlLock) is { } taken)
                return taken;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"cannot use the runtime directory {directory}: {ErrorText.Of(exception)}; "
                    + "it must be a directory this user can write in (NsBridge:RuntimeDirectory)",
                exception is UnauthorizedAccessException ? ExitCode.Privilege : ExitCode.Failed);
        }
        int other = ControlClient.ProcessAt(_settings.ControlSocket);
        string process = other > 0 ? string.Create(CultureInfo.InvariantCulture, $" as pid {other}") : "";
        throw new UserErrorException(
            $"nsbridge is already running{process} on {directory}; stop it, or give this one another NsBridge:RuntimeDirectory",
            ExitCode.Failed);
    }

    private async Task AnswerAsync(Socket client, CancellationToken deadline)
    {
        if (!MayAsk(client))
            return;
        byte[] request = new byte[LongestRequest];
        int length = 0;
        while (request.AsSpan(0, length).IndexOf((byte)'\n') < 0)
        {
            int count = length < request.Length ? await client.ReceiveAsync(request.AsMemory(length), deadline) : 0;
            if (count == 0)
                return;
            length += count;
        }
        await using var stream = new NetworkStream(client, ownsSocket: false);
        switch (Encoding.UTF8.GetString(request, 0, length).TrimEnd('\n').Split(' '))
        {
            case ["status"]:
                var status = StatusDocument.Now(_loader.File, _reports);
                await JsonSerializer.SerializeAsync(stream, status, StatusJson.Default.StatusDocument, deadline);
                break;
            case ["connections", .. { Length: <= 1 } name]:
                var connections = ConnectionsDocument.Of(await _connections.ConnectionsAsync(name.FirstOrDefault()));
                await JsonSerializer.SerializeAsync(stream, connections, StatusJson.Default.ConnectionsDocument, deadline);
                break;
            case ["end", .. string[] which] when EndRequest.TryRead(which) is { } end:
                var ended = new EndDocument(await _connections.EndAsync(end.Bridge, end.Filter));
                await JsonSerializer.SerializeAsync(stream, ended, StatusJson.Default.EndDocument, deadline);
                break;
        }
    }

    /// <summary>The file's mode admits the same users, until it is changed.</summary>
    private static bool MayAsk(Socket client) =>
        Libc.PeerCredentials((int)client.Handle, out _, out uint user) >= 0 && (user == 0 || user == Libc.EffectiveUser());

    [LoggerMessage(EventId = 2301, Level = LogLevel.Warning, Message = "{Path} was removed or replaced; it was made again")]
    private partial void MadeAgain(string path);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Error,
        Message = "Other commands cannot find this daemon: its control socket or lock was removed and cannot be made again: {Fault}")]
    private partial void CannotMake(string fault);
}
