using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Bridges.Listening;

namespace NsBridge.Control;

/// <summary>Listening sockets that were opened.</summary>
/// <param name="Sockets">The server's from here on; may be empty if some are missing.</param>
/// <param name="File">The file of a UNIX socket; else null.</param>
internal sealed record OpenedListeners(IReadOnlyList<Socket> Sockets, LocalListener? File = null)
{
    /// <summary>Why others could not be opened, which may be possible later; null if none is missing.</summary>
    public string? Missing { get; init; }

    /// <summary>Whether others may have to be opened although none is missing.</summary>
    public bool MayGrow { get; init; }
}

/// <summary>A UNIX socket that listens for requests, with its file.</summary>
internal sealed class LocalListener : IDisposable
{
    private readonly UnixSocketFile _file;

    private LocalListener(UnixSocketFile file)
    {
        _file = file;
        Socket = new Socket(new SafeSocketHandle(file.Listener, ownsHandle: true));
    }

    /// <summary>Listening; the server disposes it.</summary>
    public Socket Socket { get; }

    /// <summary>Whether the file at the path still is this socket's.</summary>
    public bool IsInPlace => _file.IsInPlace;

    /// <summary>Binds and listens; replaces the file that a killed daemon left.</summary>
    /// <param name="path">An absolute path of at most 107 bytes.</param>
    /// <param name="mode">The file's permissions.</param>
    /// <param name="purpose">For messages.</param>
    /// <exception cref="UserErrorException">The socket cannot be made; says why and what to do.</exception>
    public static LocalListener Open(string path, int mode, string purpose)
    {
        try
        {
            return new LocalListener(UnixSocketFile.Create(path, mode, null));
        }
        catch (BridgeSetupException fault)
        {
            string message = $"nsbridge: cannot listen for {purpose}: {fault.Message}";
            throw fault.LacksPrivilege
                ? new UserErrorException(
                    $"{message}; start it as a user who may write to {Path.GetDirectoryName(path)}, or choose another path",
                    ExitCode.Privilege)
                : new UserErrorException(message, ExitCode.Failed);
        }
    }

    /// <summary>Removes the file.</summary>
    public void Dispose()
    {
        _file.Remove();
        Socket.Dispose();
    }
}

/// <summary>Keeps a request server running: every second it opens the listeners that could not be opened before, or whose file was removed
/// or replaced. A failure is reported once until it changes.</summary>
/// <param name="what">What is served, for the log.</param>
/// <param name="open">Opens the listeners that are not open yet.</param>
/// <param name="answer">Reads a request and writes its answer.</param>
/// <param name="log">Receives faults of requests.</param>
internal sealed class ServingLoop(
    string what,
    Func<OpenedListeners> open,
    Func<Socket, CancellationToken, Task> answer,
    ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private LocalListener? _file;
    private ShortRequestServer? _server;
    private Task _loop = Task.CompletedTask;
    private string? _reported;
    private bool _mayGrow;

    /// <summary>Called when listeners were opened; true after the start.</summary>
    public required Action<bool> Serving { get; init; }

    /// <summary>Called with a failure.</summary>
    public required Action<string> NotServing { get; init; }

    /// <summary>Checked every second before the listeners; throws a <see cref="UserErrorException"/> if it fails.</summary>
    public Action? Check { get; init; }

    /// <summary>Serves, or starts to wait for the address.</summary>
    /// <exception cref="UserErrorException">The UNIX socket cannot be made.</exception>
    public void Start()
    {
        Open(isStart: true);
        _loop = KeepAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await CloseAsync();
    }

    private async Task KeepAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_period);
        // TCP listeners that are open stay open.
        while (_reported is not null || _file is not null || _mayGrow)
        {
            try
            {
                await timer.WaitForNextTickAsync(stop);
                Check?.Invoke();
                if (_file is { IsInPlace: true })
                {
                    _reported = null;
                    continue;
                }
                if (_file is not null)
                    await CloseAsync();
                Open(isStart: false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (UserErrorException fault)
            {
                // Here a shortage of descriptors passes too, which ends a start.
                Report(fault.Message);
            }
        }
    }

    private void Open(bool isStart)
    {
        OpenedListeners opened = open();
        _file = opened.File;
        _mayGrow = opened.MayGrow;
        if (opened.Sockets.Count > 0)
        {
            _server ??= new ShortRequestServer(what, [], answer, log);
            foreach (Socket listener in opened.Sockets)
                _server.Add(listener);
            Serving(!isStart);
        }
        Report(opened.Missing);
    }

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is { } server)
            await server.DisposeAsync();
        Interlocked.Exchange(ref _file, null)?.Dispose();
    }

    private void Report(string? fault)
    {
        if (fault is not null && fault != _reported)
            NotServing(fault);
        _reported = fault;
    }
}
