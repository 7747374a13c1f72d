using System.Net;
using System.Net.Sockets;
using NsBridge.Linux;

namespace NsBridge.Testing;

/// <summary>
/// A network namespace below <c>/run/netns</c> with a name of its own, made with <c>ip netns</c> and always removed again.
/// </summary>
public sealed class TestNamespace : IAsyncDisposable
{
    // The kernel's numbers (AF_*, SOCK_STREAM): .NET's own differ for IPv6.
    private const int KernelStream = 1;
    private const int KernelDatagram = 2;
    private static readonly Dictionary<AddressFamily, int> s_kernelFamilies = new()
    {
        [AddressFamily.Unix] = 1,
        [AddressFamily.InterNetwork] = 2,
        [AddressFamily.InterNetworkV6] = 10,
    };

    private TestNamespace(string name) => Name = name;

    /// <summary>Its random name; other tests on the machine have others.</summary>
    public string Name { get; }

    /// <summary>The file that <c>ip netns</c> keeps for it.</summary>
    public string FilePath => $"/run/netns/{Name}";

    /// <summary>True while a file of its name exists, of any kind.</summary>
    public bool Exists => File.Exists(FilePath);

    /// <summary>A name that nothing has yet; nothing is made before <see cref="AddAsync"/>.</summary>
    public static async Task<TestNamespace> ReserveAsync()
    {
        if (!Environment.IsPrivilegedProcess)
            throw new InvalidOperationException("These tests make network namespaces: run them as root.");
        await DebianPackages.RequireAsync("iproute2");
        return new TestNamespace($"nsbt{Random.Shared.Next():x8}");
    }

    /// <summary>A new namespace with <c>lo</c> up.</summary>
    public static async Task<TestNamespace> CreateAsync()
    {
        TestNamespace made = await ReserveAsync();
        await made.AddAsync();
        return made;
    }

    /// <summary>Makes the namespace, the first time or again after <see cref="DeleteAsync"/>.</summary>
    /// <param name="loopbackUp">False leaves <c>lo</c> down, as the kernel makes it.</param>
    public async Task AddAsync(bool loopbackUp = true)
    {
        await Command.CheckAsync("ip", "netns", "add", Name);
        if (loopbackUp)
            await Command.CheckAsync("ip", "-n", Name, "link", "set", "lo", "up");
    }

    public Task DeleteAsync() => Command.CheckAsync("ip", "netns", "delete", Name);

    /// <summary>Runs <c>ip</c> on the namespace: <c>IpAsync("link", "show")</c>.</summary>
    public Task<string> IpAsync(params string[] arguments) => Command.CheckAsync("ip", ["-n", Name, .. arguments]);

    /// <summary>
    /// Joins this namespace and <paramref name="other"/> by a veth pair; both ends are up when it returns. The pair vanishes when either
    /// namespace is freed.
    /// </summary>
    /// <param name="other">The namespace of the far end.</param>
    /// <param name="here">This end's address with prefix length, such as <c>10.99.0.1/30</c>.</param>
    /// <param name="there">The far end's.</param>
    /// <returns>The far end's interface name.</returns>
    public async Task<string> LinkToAsync(TestNamespace other, string here, string there)
    {
        string pair = $"v{Random.Shared.Next():x8}";
        string near = $"{pair}a";
        string far = $"{pair}b";
        await IpAsync("link", "add", near, "type", "veth", "peer", "name", far, "netns", other.Name);
        await IpAsync("address", "add", here, "dev", near);
        await other.IpAsync("address", "add", there, "dev", far);
        await IpAsync("link", "set", near, "up");
        await other.IpAsync("link", "set", far, "up");
        return far;
    }

    /// <summary>True while the namespace has an interface of that name.</summary>
    public async Task<bool> HasLinkAsync(string link) =>
        (await Command.RunAsync("ip", ["-n", Name, "link", "show", "dev", link])).ExitCode == 0;

    /// <summary>A stream socket of this namespace; it keeps the namespace alive until it is closed.</summary>
    /// <exception cref="InvalidOperationException">The namespace could not be entered.</exception>
    public Socket OpenSocket(AddressFamily family) => OpenSocket(FilePath, family);

    /// <summary>A stream socket of the namespace of <paramref name="file"/>, such as <c>/proc/PID/ns/net</c>.</summary>
    /// <inheritdoc cref="OpenSocket(AddressFamily)"/>
    public static Socket OpenSocket(string file, AddressFamily family) => OpenSocket(file, family, KernelStream);

    /// <summary>A UDP socket that is bound inside.</summary>
    /// <param name="at">An address and port inside (0 for the kernel's choice).</param>
    public Socket BindUdp(IPEndPoint at)
    {
        Socket socket = OpenSocket(FilePath, at.AddressFamily, KernelDatagram);
        try
        {
            socket.Bind(at);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Socket OpenSocket(string file, AddressFamily family, int type)
    {
        int descriptor = -1;
        EnterFailure failure = default;
        var reference = NetworkNamespace.AtPath(file);
        // Only a thread of its own may enter: one of the pool's would have others born inside.
        var inside = new Thread(() => descriptor = reference.OpenSocket(s_kernelFamilies[family], type, out _, out failure));
        inside.Start();
        inside.Join();
        return descriptor >= 0
            ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))
            : throw new InvalidOperationException(reference.Explain(failure));
    }

    /// <summary>A socket that listens inside.</summary>
    /// <param name="at">An address and port inside (0 for the kernel's choice), or a UNIX socket's path or abstract name.</param>
    /// <param name="backlog">As for listen(2).</param>
    public Socket Listen(EndPoint at, int backlog = 4096) => Listen(FilePath, at, backlog);

    /// <summary>A socket that listens in the namespace of <paramref name="file"/>.</summary>
    /// <inheritdoc cref="Listen(EndPoint, int)"/>
    public static Socket Listen(string file, EndPoint at, int backlog = 4096)
    {
        Socket listener = OpenSocket(file, at.AddressFamily);
        try
        {
            listener.Bind(at);
            listener.Listen(backlog);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Connects from inside.</summary>
    /// <exception cref="SocketException">There is no listener.</exception>
    public Task<Socket> DialAsync(IPEndPoint to) => TestClient.ConnectAsync(OpenSocket(to.AddressFamily), to);

    /// <summary>Starts a program inside.</summary>
    public BackgroundProcess Start(string program, params string[] arguments) =>
        BackgroundProcess.Start("ip", ["netns", "exec", Name, program, .. arguments]);

    /// <summary>Runs a program inside to its end; it must succeed.</summary>
    /// <returns>Its standard output.</returns>
    public Task<string> RunAsync(string program, params string[] arguments) =>
        Command.CheckAsync("ip", ["netns", "exec", Name, program, .. arguments]);

    /// <summary>Removes the file of this name: a namespace, a stack of bind mounts, or a plain file.</summary>
    public async ValueTask DisposeAsync()
    {
        while ((await File.ReadAllTextAsync("/proc/self/mountinfo")).Contains($" {FilePath} ", StringComparison.Ordinal))
            await Command.CheckAsync("umount", FilePath);
        File.Delete(FilePath);
    }
}
