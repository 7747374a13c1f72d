using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.CommandLine;
using NsBridge.Configuration;
using NsBridge.Linux.Interop;
using NsBridge.Operations.Looking;
using NsBridge.Operations.Serving;

namespace NsBridge.Operations.Status;

/// <summary>
/// Answers <c>nsbridge status</c>, and is what makes a daemon the only one of its runtime directory. It starts before the bridges:
/// a second daemon must be turned away before it touches the first one's sockets.
/// </summary>
internal sealed class ControlSocket : IHostedService, IAsyncDisposable
{
    private const int OwnerOnly = 0b110_000_000;
    private readonly DaemonSettings _settings;
    private readonly IBridgeReports _reports;
    private readonly ILogger<ControlSocket> _log;
    private RuntimeDirectoryLock? _lock;
    private LocalListener? _listener;
    private ShortRequestServer? _server;

    public ControlSocket(DaemonSettings settings, IBridgeReports reports, ILogger<ControlSocket> log)
    {
        _settings = settings;
        _reports = reports;
        _log = log;
    }

    /// <exception cref="UserFault">Another daemon has the directory, or the socket cannot be made there.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var path = _settings.ControlSocket;
        try
        {
            Directory.CreateDirectory(_settings.RuntimeDirectory);
            _lock = RuntimeDirectoryLock.TryTake(RuntimeDirectoryLock.PathFor(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var denied = exception is UnauthorizedAccessException;
            throw new UserFault(
                $"cannot use the runtime directory {_settings.RuntimeDirectory}: {FileFault.Describe(exception)}; "
                    + "it must be a directory this user can write in (NsBridge:RuntimeDirectory)",
                denied ? ExitCode.Privilege : ExitCode.Failed);
        }

        if (_lock is null)
        {
            var other = ControlClient.ProcessAt(path);
            throw new UserFault(
                string.Create(CultureInfo.InvariantCulture, $"nsbridge is already running{(other > 0 ? $" as pid {other}" : "")} on {_settings.RuntimeDirectory}; stop it, or give this one another NsBridge:RuntimeDirectory"),
                ExitCode.Failed);
        }

        try
        {
            _listener = LocalListener.Open(path, OwnerOnly, "nsbridge status");
        }
        catch
        {
            _lock.Dispose();
            throw;
        }

        _server = new ShortRequestServer("The control socket", [_listener.Socket], AnswerAsync, _log);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is { } server)
            await server.DisposeAsync();
        Interlocked.Exchange(ref _listener, null)?.Dispose();
        Interlocked.Exchange(ref _lock, null)?.Dispose();
    }

    private async Task AnswerAsync(Socket client, CancellationToken deadline)
    {
        if (!MayAsk(client))
            return;
        var request = new byte[ControlProtocol.LongestRequest];
        var length = 0;
        while (request.AsSpan(0, length).IndexOf((byte)'\n') < 0)
        {
            var count = length < request.Length ? await client.ReceiveAsync(request.AsMemory(length), deadline) : 0;
            if (count == 0)
                return;
            length += count;
        }

        if (!request.AsSpan(0, length).SequenceEqual(ControlProtocol.StatusRequest))
            return;
        var document = new StatusDocument(VersionAction.Version, Environment.ProcessId, [.. _reports.Snapshot().Select(BridgeStatus.Of)]);
        await using var stream = new NetworkStream(client, ownsSocket: false);
        await JsonSerializer.SerializeAsync(stream, document, StatusJson.Default.StatusDocument, deadline);
    }

    /// <summary>The file's mode says the same, but not once somebody has changed it.</summary>
    private static bool MayAsk(Socket client) =>
        Libc.PeerCredentials((int)client.Handle, out _, out var user) >= 0 && (user == 0 || user == Libc.EffectiveUser());
}
