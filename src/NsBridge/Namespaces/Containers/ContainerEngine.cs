using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using NsBridge.Base;
using NsBridge.Linux.Interop;

namespace NsBridge.Namespaces.Containers;

/// <summary>A container as its engine reports it.</summary>
/// <param name="Id">64 hexadecimal digits.</param>
/// <param name="Status">The engine's word: <c>running</c>, <c>exited</c>, …</param>
/// <param name="Process">Its first process, counted as on the host; 0 if it does not run.</param>
/// <param name="IsHostNetwork">Whether it was made with the host's network.</param>
internal sealed record ContainerFacts(string Id, string Status, int Process, bool IsHostNetwork);

/// <summary>A program that runs containers.</summary>
internal interface IContainerEngine
{
    /// <summary>Its name and where it is asked, for messages.</summary>
    string Description { get; }

    /// <summary>Whether it is on this machine, or may be, hidden from this user.</summary>
    bool IsThere { get; }

    /// <param name="name">A name, an id, or the beginning of an id.</param>
    /// <param name="cancel">Ends the request.</param>
    /// <returns>Null if the engine has no such container.</returns>
    /// <exception cref="IOException">It does not answer, or its answer is not understood; the message says why.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not ask it; the message says so.</exception>
    Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel);

    /// <summary>Whether a socket or folder of an engine exists, or may exist: what lies in a folder that is closed to this user is not
    /// missing.</summary>
    static bool MayExist(string path) => Libc.ErrorOf(Libc.LinkStatus(Libc.PathBytes(path), out _)) is Errno.None or Errno.EACCES;
}

/// <summary>An engine that serves Docker's API on a UNIX socket: Docker itself, and Podman. Source: Docker Engine API,
/// <c>ContainerInspect</c>. The GET is our own: the framework's HTTP client would make the executable half as large again, with TLS,
/// proxies and name look-up that have no place in this program.</summary>
internal sealed class EngineApi(string product, string socket) : IContainerEngine
{
    private const int NotFound = 404;
    private const int Ok = 200;
    private const int LongestAnswer = 4 << 20;

    public string Description { get; } = $"{product} at {socket}";

    public bool IsThere => IContainerEngine.MayExist(socket);

    public async Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel)
    {
        (int status, ReadOnlyMemory<byte> body) = await GetAsync($"/containers/{name}/json", cancel);
        return status switch
        {
            Ok => Read(body),
            NotFound => null,
            _ => throw new IOException($"it answers with status {status}"),
        };
    }

    private static ContainerFacts Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement container = document.RootElement;
            JsonElement state = container.GetProperty("State");
            return new ContainerFacts(
                container.GetProperty("Id").GetString() ?? "",
                state.GetProperty("Status").GetString() ?? "",
                state.GetProperty("Running").GetBoolean() ? state.GetProperty("Pid").GetInt32() : 0,
                container.GetProperty("HostConfig").GetProperty("NetworkMode").GetString() == "host");
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IOException("its answer is not understood", fault);
        }
    }

    private async Task<(int Status, ReadOnlyMemory<byte> Body)> GetAsync(string path, CancellationToken cancel)
    {
        using Socket connection = await ConnectAsync(cancel);
        // HTTP/1.0: the body ends with the connection and is not chunked.
        string request = $"GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
        var answer = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        try
        {
            await connection.SendAsync(Encoding.ASCII.GetBytes(request), cancel);
            for (int read; (read = await connection.ReceiveAsync(buffer, cancel)) > 0;)
            {
                answer.Write(buffer, 0, read);
                if (answer.Length > LongestAnswer)
                    throw new IOException("its answer is too long");
            }
        }
        catch (SocketException fault)
        {
            throw new IOException($"it closed the connection: {ErrorText.Of(fault)}", fault);
        }
        return Split(answer.ToArray());
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancel)
    {
        Socket? connection = null;
        try
        {
            // Throws without a free descriptor.
            connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
            return connection;
        }
        catch (Exception fault)
        {
            connection?.Dispose();
            if (fault is SocketException { SocketErrorCode: SocketError.AccessDenied })
                throw new UnauthorizedAccessException("this user may not ask it (EACCES)", fault);
            if (fault is SocketException)
                throw new IOException($"it cannot be asked: {ErrorText.Of(fault)}", fault);
            throw;
        }
    }

    private static (int Status, ReadOnlyMemory<byte> Body) Split(byte[] answer)
    {
        int head = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        // HTTP/1.x SSS ...
        if (head < 12 || !answer.AsSpan().StartsWith("HTTP/1."u8)
            || !int.TryParse(answer.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new IOException("its answer is not HTTP");
        }
        return (status, answer.AsMemory(head + 4));
    }
}
