using System.Globalization;
using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Linux.Interop;
using Tmds.DBus.Protocol;

namespace NsBridge.Systemd;

/// <summary>A connection to systemd and systemd-machined over D-Bus: by the bus or, on a machine without one, by systemd's private socket,
/// which only root may use. One call at a time. Every failure is an <see cref="IOException"/> whose message says why; after one, and after
/// a cancellation, the connection is to be disposed.</summary>
internal sealed class SystemBus : IDisposable
{
    /// <summary>Interfaces of systemd and of systemd-machined.</summary>
    public const string UnitType = $"{Systemd}.Unit", ServiceType = $"{Systemd}.Service", ScopeType = $"{Systemd}.Scope",
        JobType = $"{Systemd}.Job", MachineType = $"{Machined}.Machine";

    private const string Systemd = "org.freedesktop.systemd1";
    private const string Machined = "org.freedesktop.machine1";
    private const string Error = "org.freedesktop.DBus.Error";
    private const string RuntimeDirectory = "XDG_RUNTIME_DIR", SessionAddress = "DBUS_SESSION_BUS_ADDRESS";

    private static readonly string[] s_absent = [$"{Error}.UnknownProperty", $"{Error}.UnknownObject", $"{Error}.UnknownInterface"];
    private static readonly string[] s_notRunning = [$"{Error}.NameHasNoOwner", $"{Error}.ServiceUnknown"];

    private readonly DBusConnection _connection;

    private SystemBus(DBusConnection connection) => _connection = connection;

    /// <summary>Connects to the machine's systemd.</summary>
    /// <exception cref="IOException">There is no systemd, or this user may not ask it.</exception>
    public static Task<SystemBus> ConnectAsync(CancellationToken cancel) =>
        ConnectAsync("/run/dbus/system_bus_socket", "/run/systemd/private", cancel);

    /// <summary>Connects to a user's own systemd.</summary>
    /// <param name="runtimeDirectory">The user's <c>XDG_RUNTIME_DIR</c>.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="IOException">There is no systemd, or this user may not ask it.</exception>
    public static Task<SystemBus> ConnectAsync(string runtimeDirectory, CancellationToken cancel) =>
        ConnectAsync(Path.Combine(runtimeDirectory, "bus"), Path.Combine(runtimeDirectory, "systemd/private"), cancel);

    /// <summary>Whether this process runs in a user's session, and the user is not root. A service of the machine has neither
    /// variable.</summary>
    public static bool IsInSession => Libc.EffectiveUser() != 0 && (Variable(RuntimeDirectory) ?? Variable(SessionAddress)) is not null;

    /// <summary>Connects to the systemd of the user whose session this is.</summary>
    /// <exception cref="IOException">There is no systemd, or this user may not ask it.</exception>
    public static Task<SystemBus> ConnectToSessionAsync(CancellationToken cancel) => Variable(RuntimeDirectory) is { } directory
        ? ConnectAsync(directory, cancel)
        : OpenAsync(Variable(SessionAddress) ?? "", $"${SessionAddress}", cancel);

    internal static Task<SystemBus> ConnectAsync(string busSocket, string privateSocket, CancellationToken cancel) =>
        OpenAsync($"unix:path={Escaped(busSocket)};unix:path={Escaped(privateSocket)}", busSocket, cancel);

    private static async Task<SystemBus> OpenAsync(string address, string name, CancellationToken cancel)
    {
        var bus = new SystemBus(new DBusConnection(new Options(address)));
        try
        {
            await bus._connection.ConnectAsync().AsTask().WaitAsync(cancel);
            return bus;
        }
        catch (Exception fault)
        {
            bus.Dispose();
            if (fault is OperationCanceledException)
                throw;
            // Any other error: the socket was open. dbus-daemon closes the connection of a user that it cannot name, and systemd keeps it
            // from naming dynamic ones (SYSTEMD_NSS_DYNAMIC_BYPASS).
            Exception cause = fault.GetBaseException();
            throw new IOException(cause is SocketException { SocketErrorCode: not (SocketError.ConnectionReset or SocketError.Shutdown) }
                ? $"systemd cannot be asked by {name}: {ErrorText.Of(cause)}"
                : $"the system bus does not admit this user ({Libc.EffectiveUser()}), as with users of DynamicUser=; "
                    + "give the service a user with a name (User=)", fault);
        }
    }

    /// <summary>The object path of a loaded unit; null if systemd has no such unit in memory.</summary>
    public Task<string?> FindUnitAsync(string name, CancellationToken cancel) => CallAsync(
        Systemd, "/org/freedesktop/systemd1", $"{Systemd}.Manager", "GetUnit", [name],
        static (message, _) => message.GetBodyReader().ReadObjectPathAsString(), [$"{Systemd}.NoSuchUnit"], cancel);

    /// <summary>The object path of a machine that runs; null if systemd-machined has none of that name.</summary>
    public Task<string?> FindMachineAsync(string name, CancellationToken cancel) => CallAsync(
        Machined, "/org/freedesktop/machine1", $"{Machined}.Manager", "GetMachine", [name],
        static (message, _) => message.GetBodyReader().ReadObjectPathAsString(), [$"{Machined}.NoSuchMachine"], cancel);

    /// <summary>A property of an object: a <see cref="string"/>, <see cref="uint"/>, <see cref="bool"/>, <see cref="byte"/> array, or the
    /// object path of a job; null if the object, or its property, does not exist.</summary>
    public Task<object?> PropertyAsync(string path, string type, string name, CancellationToken cancel) => CallAsync(
        type == MachineType ? Machined : Systemd, path, "org.freedesktop.DBus.Properties", "Get", [type, name],
        static (message, _) => ValueOf(message.GetBodyReader().ReadVariantValue()),
        s_absent, cancel);

    private static object ValueOf(VariantValue value) => value.Type switch
    {
        VariantValueType.String => value.GetString(),
        VariantValueType.ObjectPath => value.GetObjectPathAsString(),
        VariantValueType.UInt32 => value.GetUInt32(),
        VariantValueType.Bool => value.GetBool(),
        VariantValueType.Array when value.ItemType == VariantValueType.Byte => value.GetArray<byte>(),
        // A job's number and path: the path contains the number.
        VariantValueType.Struct when value.Count == 2 => value.GetItem(1).GetObjectPathAsString(),
        _ => throw new IOException($"its answer holds a {value.Type}, which was not asked for"),
    };

    private async Task<T?> CallAsync<T>(
        string service, string path, string type, string member, string[] arguments, MessageValueReader<T> read, string[] absent,
        CancellationToken cancel)
        where T : class
    {
        string name = service == Systemd ? "systemd" : "systemd-machined";
        try
        {
            // The library has no deadline of its own.
            return await _connection.CallMethodAsync(Write(service, path, type, member, arguments), read).WaitAsync(cancel);
        }
        catch (DBusErrorReplyException error)
        {
            if (absent.Contains(error.ErrorName))
                return null;
            bool isRunning = !s_notRunning.Contains(error.ErrorName);
            throw new IOException(isRunning ? $"{name} answers {error.ErrorName}" : $"{name} is not running", error);
        }
        catch (Exception fault) when (fault is not (IOException or OperationCanceledException))
        {
            bool isClosed = fault is DBusConnectionException;
            throw new IOException(isClosed ? $"{name} closed the connection" : "its answer is not understood", fault);
        }
    }

    private MessageBuffer Write(string service, string path, string type, string member, string[] arguments)
    {
        using MessageWriter writer = _connection.GetMessageWriter();
        // The private socket leads to systemd alone and has no names.
        string? destination = _connection.UniqueName is null ? null : service;
        writer.WriteMethodCallHeader(destination, path, type, member, new string('s', arguments.Length), MessageFlags.NoAutoStart);
        foreach (string argument in arguments)
            writer.WriteString(argument);
        return writer.CreateMessage();
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>Source: D-Bus Specification, "Server Addresses".</summary>
    private static string Escaped(string path) => Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);

    public void Dispose() => _connection.Dispose();

    private sealed class Options(string address) : DBusConnectionOptions
    {
        protected override ValueTask<SetupResult> SetupAsync(CancellationToken cancellationToken) =>
            new(new SetupResult(address) { UserId = OuterUser() });

        /// <summary>The bus compares the id with the socket's credentials as its own user namespace sees them, so the id of a rootless
        /// container's root is translated by <c>/proc/self/uid_map</c>, user_namespaces(7).</summary>
        private static string OuterUser()
        {
            uint user = Libc.EffectiveUser();
            foreach (string line in File.ReadLines("/proc/self/uid_map"))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                uint[] map = Array.ConvertAll(words, word => uint.Parse(word, CultureInfo.InvariantCulture));
                if (user >= map[0] && user - map[0] < map[2])
                    return (user - map[0] + map[1]).ToString(CultureInfo.InvariantCulture);
            }
            return user.ToString(CultureInfo.InvariantCulture);
        }
    }
}
