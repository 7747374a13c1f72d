using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using NsBridge.ComponentTests.Bridges;
using NsBridge.ComponentTests.Logging;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Hosting;

/// <summary>A fleet in this process, with a log that can be read and sockets that look as if systemd had handed them over.</summary>
internal sealed class FleetScene : IAsyncDisposable
{
    private readonly ScratchDirectory _scratch = new();
    private readonly ActivationSockets _sockets;
    private bool _hasStopped;

    /// <param name="handed">Listening sockets and the names they are handed over by; they stay the caller's.</param>
    public FleetScene(params IEnumerable<(string Name, Socket Socket)> handed)
    {
        _sockets = ActivationSockets.Adopt([.. handed.Select(one => new ActivationFd(Copy(one.Socket), one.Name))]);
        Parts = new BridgeParts(_sockets, Log);
        var restart = new RestartCoordinator(new SnapshotStore(null), Log.CreateLogger<RestartCoordinator>());
        Fleet = Parts.Supervise(LoadedText.Right(), restart, Log.CreateLogger<BridgeSupervisor>());
    }

    public LogLines Log { get; } = new();

    public BridgeParts Parts { get; }

    public BridgeSupervisor Fleet { get; }

    /// <summary>Settings of one bridge, <c>web</c>, with its UNIX socket in a directory of the scene.</summary>
    /// <param name="keys">Further keys, each with a comma before it.</param>
    /// <param name="target">Its target.</param>
    /// <param name="inside">The target's namespace.</param>
    public DaemonSettings Web(string keys, string target = "127.0.0.1:3000", string inside = "host") =>
        LoadedText.Right($""" "Name":"web", "Socket":"{_scratch["web.sock"]}", "Namespace":"{inside}", "Target":"{target}" {keys} """);

    /// <summary>A file in a directory of the scene.</summary>
    public string PathOf(string file) => _scratch[file];

    /// <summary>Starts the fleet as it would with these settings.</summary>
    public async Task StartAsync(DaemonSettings settings)
    {
        await Fleet.StartAsync(CancellationToken.None);
        await Fleet.ApplyAsync(settings);
    }

    /// <summary>Waits until the first bridge has so many clients.</summary>
    public Task InAsync(int clients) =>
        Eventually.TrueAsync(() => Fleet.Snapshot()[0].Active == clients, TimeSpan.FromSeconds(10), $"{clients} clients are in");

    /// <summary>A TCP socket that listens on a loopback address, at a port of the kernel's choice.</summary>
    public static Socket Listener()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    public static string FreePort() => HostSockets.FreePort().ToString(CultureInfo.InvariantCulture);

    /// <summary>Stops the fleet. Again does nothing.</summary>
    public async Task StopAsync()
    {
        if (_hasStopped)
            return;
        _hasStopped = true;
        await Fleet.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Fleet.Dispose();
        Parts.Dispose();
        _sockets.Dispose();
        _scratch.Dispose();
    }

    /// <summary>A descriptor of its own, as the manager gives one.</summary>
    /// <summary>A copy that a program passes on, as systemd does: without FD_CLOEXEC.</summary>
    private static int Copy(Socket socket) => Duplicate((int)socket.Handle);

    [DllImport("libc", EntryPoint = "dup")]
    private static extern int Duplicate(int descriptor);
}
