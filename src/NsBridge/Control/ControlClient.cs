using System.Net.Sockets;
using System.Text;
using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;

namespace NsBridge.Control;

/// <summary>Asks a running daemon.</summary>
internal static class ControlClient
{
    /// <summary>For a whole question: a daemon that is busy for longer is not well.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_queuePause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks how the bridges are.</summary>
    /// <returns>The daemon's document as it wrote it, in UTF-8.</returns>
    /// <exception cref="UserErrorException">No daemon answers, or this user may not ask; says which, and the cure.</exception>
    public static async Task<byte[]> AskStatusAsync(string path, CancellationToken stop)
    {
        if (Encoding.UTF8.GetByteCount(path) > TargetEndpoint.LongestUnixName)
            throw new UserErrorException($"no daemon can be at {path}: the path of a socket is at most {TargetEndpoint.LongestUnixName} bytes; correct NsBridge:RuntimeDirectory", ExitCode.Configuration);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_deadline);
        try
        {
            using Socket socket = await ConnectAsync(path, limit.Token);
            await socket.SendAsync(ControlProtocol.StatusRequest.ToArray(), limit.Token);
            await using var stream = new NetworkStream(socket, ownsSocket: false);
            using var answer = new MemoryStream();
            await stream.CopyToAsync(answer, limit.Token);
            return answer.Length > 0
                ? answer.ToArray()
                : throw new UserErrorException($"the daemon at {path} did not answer: it is of another version, or stopping just now", ExitCode.Failed);
        }
        catch (SocketException exception)
        {
            throw Fault(path, exception);
        }
        catch (IOException)
        {
            throw new UserErrorException($"the daemon at {path} broke off its answer; see journalctl -u nsbridge", ExitCode.Failed);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new UserErrorException($"the daemon at {path} did not answer within {s_deadline.TotalSeconds:0} s; see journalctl -u nsbridge", ExitCode.Failed);
        }
    }

    /// <summary>The process that listens at the path; 0 where none can be told.</summary>
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
                // The daemon's queue is full of others: the kernel tells a UNIX socket so instead of letting it wait.
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
        SocketError.AccessDenied => new UserErrorException($"may not ask the daemon at {path}: only root and the daemon's own user may; try sudo", ExitCode.Privilege),
        // ENOENT comes as this one.
        SocketError.AddressNotAvailable or SocketError.ConnectionRefused => new UserErrorException(
            $"no nsbridge is running: nobody answers at {path}; start it by 'systemctl start nsbridge' or 'nsbridge run', "
                + "or give by --config the file that the running one has", ExitCode.Failed),
        _ => new UserErrorException($"cannot ask the daemon at {path}: {exception.Message}", ExitCode.Failed),
    };
}
