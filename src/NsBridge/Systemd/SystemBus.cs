using System.Net.Sockets;
using System.Text;
using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>
/// A connection to systemd over D-Bus: by the system bus or, where a machine has none, by systemd's own socket, which is root's alone.
/// Knows as much of D-Bus as four questions need. One user at a time.
/// </summary>
internal sealed class SystemBus : IDisposable
{
    private const string Systemd = "org.freedesktop.systemd1";
    private const string Bus = "org.freedesktop.DBus";
    private const int LongestGreeting = 512;

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly string? _destination;
    private uint _lastSerial;

    private SystemBus(Socket socket, string? destination)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _destination = destination;
    }

    /// <summary>Connects to the machine's systemd.</summary>
    /// <exception cref="IOException">There is no systemd, or it may not be asked; says which.</exception>
    public static Task<SystemBus> ConnectAsync(CancellationToken cancel) =>
        ConnectAsync("/run/dbus/system_bus_socket", "/run/systemd/private", cancel);

    /// <summary>Connects to a user's own systemd.</summary>
    /// <param name="runtimeDirectory">The user's <c>XDG_RUNTIME_DIR</c>.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">There is no systemd, or it may not be asked; says which.</exception>
    public static Task<SystemBus> ConnectAsync(string runtimeDirectory, CancellationToken cancel) =>
        ConnectAsync(Path.Combine(runtimeDirectory, "bus"), Path.Combine(runtimeDirectory, "systemd/private"), cancel);

    private static async Task<SystemBus> ConnectAsync(string busSocket, string privateSocket, CancellationToken cancel)
    {
        SystemBus bus;
        try
        {
            bus = new SystemBus(await OpenAsync(busSocket, cancel), Systemd);
        }
        catch (SocketException fault)
        {
            try
            {
                bus = new SystemBus(await OpenAsync(privateSocket, cancel), null);
            }
            catch (SocketException)
            {
                throw new IOException($"systemd cannot be asked by {busSocket}: {fault.SocketErrorCode}");
            }
        }
        try
        {
            await bus.AuthenticateAsync(cancel);
            if (bus._destination is not null)
                await bus.CallAsync(BusCall.Write(bus.NextSerial(), Bus, "/org/freedesktop/DBus", Bus, "Hello"), cancel);
            return bus;
        }
        catch (Exception fault) when (fault is EndOfStreamException or IOException { InnerException: SocketException })
        {
            bus.Dispose();
            // dbus-daemon hangs up on a user it cannot name, and systemd keeps it from naming dynamic ones (SYSTEMD_NSS_DYNAMIC_BYPASS).
            throw new IOException($"the system bus lets this user ({Libc.EffectiveUser()}) not in, as it does with users of DynamicUser=; give the service one with a name (User=)");
        }
        catch
        {
            bus.Dispose();
            throw;
        }
    }

    private static async Task<Socket> OpenAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The object path of a loaded unit; null where systemd has no such unit in memory.</summary>
    public async Task<string?> FindUnitAsync(string name, CancellationToken cancel)
    {
        BusAnswer answer = await CallAsync(
            BusCall.Write(NextSerial(), _destination, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "GetUnit", name), cancel);
        if (answer.ErrorName == "org.freedesktop.systemd1.NoSuchUnit")
            return null;
        return answer.ErrorName is null ? answer.ReadText() : throw new IOException($"systemd answers {answer.ErrorName}");
    }

    /// <summary>A property of an object; null where it has none of that name, or is no more.</summary>
    public async Task<object?> PropertyAsync(string path, string type, string name, CancellationToken cancel)
    {
        BusAnswer answer = await CallAsync(
            BusCall.Write(NextSerial(), _destination, path, "org.freedesktop.DBus.Properties", "Get", type, name), cancel);
        return answer.ErrorName switch
        {
            null => answer.ReadProperty(),
            "org.freedesktop.DBus.Error.UnknownProperty" or "org.freedesktop.DBus.Error.UnknownObject" or "org.freedesktop.DBus.Error.UnknownInterface" => null,
            { } error => throw new IOException($"systemd answers {error}"),
        };
    }

    private uint NextSerial() => ++_lastSerial;

    // EXTERNAL without a name: the other end takes the user from the socket itself, as its own user namespace sees it.
    private async Task AuthenticateAsync(CancellationToken cancel)
    {
        await _stream.WriteAsync("\0AUTH EXTERNAL\r\nDATA\r\n"u8.ToArray(), cancel);
        await ExpectAsync("DATA", cancel);
        await ExpectAsync("OK ", cancel);
        await _stream.WriteAsync("BEGIN\r\n"u8.ToArray(), cancel);
    }

    private async Task ExpectAsync(string start, CancellationToken cancel)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        // A byte at a time: what follows the line is not text any more.
        while (line.Length < LongestGreeting && (line.Length == 0 || line[^1] != '\n'))
        {
            await _stream.ReadExactlyAsync(one, cancel);
            line.Append((char)one[0]);
        }
        if (!line.ToString().StartsWith(start, StringComparison.Ordinal))
            throw new IOException($"the system bus does not let this user in: {line.ToString().TrimEnd()}");
    }

    private async Task<BusAnswer> CallAsync(byte[] call, CancellationToken cancel)
    {
        await _stream.WriteAsync(call, cancel);
        while (true)
        {
            byte[] start = new byte[BusAnswer.StartLength];
            await _stream.ReadExactlyAsync(start, cancel);
            byte[] message = new byte[BusAnswer.LengthOf(start)];
            start.CopyTo(message, 0);
            await _stream.ReadExactlyAsync(message.AsMemory(start.Length), cancel);
            // Signals come in between.
            if (message[1] is BusAnswer.MethodReturn or BusAnswer.Error && BusAnswer.Read(message) is var answer && answer.Serial == _lastSerial)
                return answer;
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }
}
