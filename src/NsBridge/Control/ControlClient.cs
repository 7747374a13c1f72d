using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NsBridge.Base;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;

namespace NsBridge.Control;

/// <summary>The control socket of the daemon that a configuration belongs to. Faults elsewhere in the file do not matter: the daemon runs
/// on with the last good one, and <c>status</c> is asked while the file is broken.</summary>
/// <param name="Socket">Its path.</param>
/// <param name="Doubt">One line on the faults of the file, if there are any; else null.</param>
internal sealed record ControlPath(string Socket, string? Doubt)
{
    /// <exception cref="UserErrorException">The file that was named does not exist or cannot be read, or is not trusted.</exception>
    public static ControlPath Find(string? configFile)
    {
        var loader = ConfigurationLoader.ForProcess(configFile);
        ConfigurationOutcome outcome = loader.Load().Trusted();
        if (outcome.Settings is { } settings)
            return new ControlPath(settings.ControlSocket, null);
        bool exists = File.Exists(loader.File);
        if (configFile is not null && !exists)
            throw new UserErrorException(outcome.FaultText, ExitCode.Configuration);
        string directory = outcome.RuntimeDirectory ?? DaemonKeys.DefaultRuntimeDirectory;
        string check = $"nsbridge check{(configFile is null ? "" : $" --config {configFile}")}";
        string guess = outcome.RuntimeDirectory is null ? $"; its RuntimeDirectory is unknown and taken to be {directory}" : "";
        string? doubt = exists ? $"{outcome.FaultCount} in {loader.File}; '{check}' lists them{guess}" : null;
        return new ControlPath(DaemonSettings.ControlSocketIn(directory), doubt);
    }
}

/// <summary>Asks a running daemon.</summary>
internal static class ControlClient
{
    /// <summary>For a whole request.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_queuePause = TimeSpan.FromMilliseconds(20);

    /// <summary>Ten thousand bridges with long reasons take about 20 MB.</summary>
    private const int LongestAnswer = 64 << 20;

    /// <summary>Asks for the state of the bridges, as <see cref="AskAsync"/>.</summary>
    public static Task<byte[]> AskStatusAsync(string path, CancellationToken stop) => AskAsync(path, "status", stop);

    /// <summary>Sends a request of <see cref="ControlSocket"/>.</summary>
    /// <returns>The daemon's document as it wrote it, in UTF-8.</returns>
    /// <exception cref="UserErrorException">No daemon answers, this user may not ask it, or it cannot be trusted; says which, and the
    /// cure.</exception>
    public static async Task<byte[]> AskAsync(string path, string request, CancellationToken stop)
    {
        if (Encoding.UTF8.GetByteCount(path) > TargetEndpoint.LongestUnixName)
        {
            throw new UserErrorException(
                $"no daemon can be at {path}: the path of a socket is at most {TargetEndpoint.LongestUnixName} bytes; "
                    + "correct NsBridge:RuntimeDirectory", ExitCode.Configuration);
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_deadline);
        try
        {
            using Socket socket = await ConnectAsync(path, limit.Token);
            if (Distrust(path, socket) is { } distrust)
                throw new UserErrorException(distrust, ExitCode.Failed);
            await socket.SendAsync(Encoding.UTF8.GetBytes($"{request}\n"), limit.Token);
            byte[]? answer = await ReadAsync(socket, limit.Token);
            return answer is { Length: > 0 } ? answer : throw new UserErrorException(
                answer is null
                    ? $"the answer at {path} is longer than {LongestAnswer >> 20} MiB and no nsbridge's"
                    : $"the daemon at {path} did not answer: it is of another version, or stopping just now",
                ExitCode.Failed);
        }
        catch (SocketException exception)
        {
            throw Fault(path, exception);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new UserErrorException(
                $"the daemon at {path} did not answer within {s_deadline.TotalSeconds:0} s; see journalctl -u nsbridge", ExitCode.Failed);
        }
    }

    /// <summary>Reads an answer.</summary>
    /// <exception cref="UserErrorException">The daemon is of another version.</exception>
    public static T Read<T>(byte[] answer, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(answer, type)!;
        }
        catch (JsonException)
        {
            throw new UserErrorException("the daemon's answer is of another version than this program", ExitCode.Failed);
        }
    }

    /// <summary>The process that listens at the path; 0 if unknown.</summary>
    public static int ProcessAt(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return Libc.PeerCredentials((int)socket.Handle, out int process, out _) >= 0 ? process : 0;
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>Why the program at the path is not taken for the daemon; null if it is. SO_PEERCRED is that of the process that called
    /// listen(2).</summary>
    private static string? Distrust(string path, Socket socket)
    {
        uint self = Libc.EffectiveUser();
        if (Libc.PeerCredentials((int)socket.Handle, out _, out uint user) < 0)
            return $"the user of the program at {path} is unknown, so that its answer is not read";
        if (user == 0 || user == self)
            return null;
        // Root also asks a daemon that runs as a user of its own: its runtime directory belongs to that user.
        bool ownsDirectory = Libc.LinkStatus(Libc.PathBytes(Path.GetDirectoryName(path) ?? "/"), out FileStatus directory) >= 0
            && directory.IsDirectory && directory.User == user;
        return self == 0 && ownsDirectory ? null : string.Create(CultureInfo.InvariantCulture,
            $"the program at {path} runs as user {user}, not as root or this user ({self}), so that its answer is not read");
    }

    /// <returns>Null if the answer is longer than any of a daemon.</returns>
    private static async Task<byte[]?> ReadAsync(Socket socket, CancellationToken deadline)
    {
        using var answer = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        for (int count; (count = await socket.ReceiveAsync(buffer, deadline)) > 0;)
        {
            answer.Write(buffer, 0, count);
            if (answer.Length > LongestAnswer)
                return null;
        }
        return answer.ToArray();
    }

    private static async Task<Socket> ConnectAsync(string path, CancellationToken deadline)
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), deadline);
                return socket;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
            {
                // The daemon's queue is full; a non-blocking connect to a UNIX socket fails then instead of waiting.
                socket.Dispose();
                await Task.Delay(s_queuePause, deadline);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private static UserErrorException Fault(string path, SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AccessDenied => new UserErrorException(
            $"may not ask the daemon at {path}: only root and the daemon's own user may; try sudo", ExitCode.Privilege),
        SocketError.ConnectionReset => new UserErrorException(
            $"the daemon at {path} broke off its answer; see journalctl -u nsbridge", ExitCode.Failed),
        // ENOENT is mapped to AddressNotAvailable, and ENOTDIR to no error that has a name.
        SocketError.AddressNotAvailable or SocketError.SocketError or SocketError.ConnectionRefused => new UserErrorException(
            $"no nsbridge is running: nothing answers at {path}; start it by 'systemctl start nsbridge' or 'nsbridge run', "
                + "or give by --config the file that the running one has", ExitCode.Failed),
        _ => new UserErrorException($"cannot ask the daemon at {path}: {ErrorText.Of(exception)}", ExitCode.Failed),
    };
}
