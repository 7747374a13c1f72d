using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Linux.Interop;

namespace NsBridge.Control;

/// <summary>
/// Answers <c>nsbridge status</c>, and is what makes a daemon the only one of its runtime directory. It starts before the bridges:
/// a second daemon must be turned away before it touches the first one's sockets.
/// </summary>
internal sealed partial class ControlSocket : IHostedService, IAsyncDisposable
{
    private const int OwnerOnly = 0b110_000_000;
    private static readonly TimeSpan s_recoveryPeriod = TimeSpan.FromSeconds(1);

    private readonly DaemonSettings _settings;
    private readonly ConfigurationLoader _loader;
    private readonly IBridgeReports _reports;
    private readonly ILogger<ControlSocket> _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _recovery = Task.CompletedTask;
    private RuntimeDirectoryLock? _lock;
    private LocalListener? _listener;
    private ShortRequestServer? _server;

    public ControlSocket(DaemonSettings settings, ConfigurationLoader loader, IBridgeReports reports, ILogger<ControlSocket> log)
    {
        _settings = settings;
        _loader = loader;
        _reports = reports;
        _log = log;
    }

    /// <exception cref="UserErrorException">Another daemon has the directory, or the socket cannot be made there.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _lock = TakeLock();
        try
        {
            Listen();
        }
        catch
        {
            _lock.Dispose();
            throw;
        }

        _recovery = RecoverAsync(_stop.Token);
        return Task.CompletedTask;
    }

    private RuntimeDirectoryLock TakeLock()
    {
        try
        {
            Directory.CreateDirectory(_settings.RuntimeDirectory);
            if (RuntimeDirectoryLock.TryTake(_settings.ControlLock) is { } taken)
                return taken;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            bool denied = exception is UnauthorizedAccessException;
            throw new UserErrorException(
                $"cannot use the runtime directory {_settings.RuntimeDirectory}: {ErrorText.Of(exception)}; "
                    + "it must be a directory this user can write in (NsBridge:RuntimeDirectory)",
                denied ? ExitCode.Privilege : ExitCode.Failed);
        }

        int other = ControlClient.ProcessAt(_settings.ControlSocket);
        throw new UserErrorException(
            string.Create(CultureInfo.InvariantCulture, $"nsbridge is already running{(other > 0 ? $" as pid {other}" : "")} on {_settings.RuntimeDirectory}; stop it, or give this one another NsBridge:RuntimeDirectory"),
            ExitCode.Failed);
    }

    private void Listen()
    {
        _listener = LocalListener.Open(_settings.ControlSocket, OwnerOnly, "nsbridge status");
        _server = new ShortRequestServer("The control socket", [_listener.Socket], AnswerAsync, _log);
    }

    /// <summary>Now and then looks whether both files are still there: without them nobody finds this daemon, and a second one would start beside it.</summary>
    private async Task RecoverAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_recoveryPeriod);
        string? trouble = null;
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
                trouble = await RecoverAsync(trouble);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <returns>Why it cannot be mended, which is told once; null where nothing is wrong.</returns>
    private async Task<string?> RecoverAsync(string? told)
    {
        try
        {
            if (_lock is not { IsInPlace: true })
            {
                RuntimeDirectoryLock taken = TakeLock();
                _lock?.Dispose();
                _lock = taken;
                MadeAnew(_settings.ControlLock);
            }

            if (_listener is not { IsInPlace: true })
            {
                await StopServingAsync();
                Listen();
                MadeAnew(_settings.ControlSocket);
            }

            return null;
        }
        catch (UserErrorException fault)
        {
            if (fault.Message != told)
                CannotMake(fault.Message);
            return fault.Message;
        }
    }

    private async Task StopServingAsync()
    {
        if (_server is { } server)
            await server.DisposeAsync();
        _listener?.Dispose();
        (_server, _listener) = (null, null);
    }

    public Task StopAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _recovery;
        await StopServingAsync();
        _lock?.Dispose();
        _lock = null;
    }

    private async Task AnswerAsync(Socket client, CancellationToken deadline)
    {
        if (!MayAsk(client))
            return;
        byte[] request = new byte[ControlProtocol.LongestRequest];
        int length = 0;
        while (request.AsSpan(0, length).IndexOf((byte)'\n') < 0)
        {
            int count = length < request.Length ? await client.ReceiveAsync(request.AsMemory(length), deadline) : 0;
            if (count == 0)
                return;
            length += count;
        }

        if (!request.AsSpan(0, length).SequenceEqual(ControlProtocol.StatusRequest))
            return;
        var document = new StatusDocument(ProductVersion.Text, Environment.ProcessId, _loader.File, [.. _reports.Snapshot().Select(BridgeStatus.Of)]);
        await using var stream = new NetworkStream(client, ownsSocket: false);
        await JsonSerializer.SerializeAsync(stream, document, StatusJson.Default.StatusDocument, deadline);
    }

    /// <summary>The file's mode says the same, but not once somebody has changed it.</summary>
    private static bool MayAsk(Socket client) =>
        Libc.PeerCredentials((int)client.Handle, out _, out uint user) >= 0 && (user == 0 || user == Libc.EffectiveUser());

    [LoggerMessage(EventId = 2301, Level = LogLevel.Warning, Message = "Somebody removed or replaced {Path}; it was made anew")]
    private partial void MadeAnew(string path);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Error, Message = "Somebody removed what other commands find this daemon by, and it cannot be made anew: {Fault}")]
    private partial void CannotMake(string fault);
}
