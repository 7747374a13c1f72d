using System.Runtime.InteropServices;
using NsBridge.Bridges;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

internal sealed class UdpInnerHalfTests
{
    private const int RLIMIT_AS = 9;

    /// <summary>More than half of what the flows of a loop share: the first part of it can be had.</summary>
    private const long Little = 6 * 1024 * 1024;

    [Test]
    public async Task Start_WithoutMemoryForDatagrams_IsAFaultUntilThereIsSome()
    {
        using var scratch = new ScratchDirectory();
        BridgeSettings settings = LoadedText.Right(
            $""" "Name":"web", "Protocol":"udp", "Socket":"{scratch["web.sock"]}", "Namespace":"host", "Target":"127.0.0.1:3000" """).Bridges[0];
        using var sockets = ActivationSockets.Adopt([]);
        using var parts = new BridgeParts(sockets);
        using Bridge bridge = parts.Factory.Create(settings);
        EventLoop loop = parts.Loop;
        NamespaceTracker place = parts.Namespaces.Acquire(settings.Namespace!);
        IInnerHalf inner = parts.Halves.MakeInner(bridge, bridge.Clients, loop, place);

        // The process is short of memory for as long as the start takes, and no longer: it is that of all tests.
        using var isReady = new ManualResetEventSlim();
        Limit before = default;
        loop.Post(() =>
        {
            isReady.Wait();
            _ = getrlimit(RLIMIT_AS, out before);
            _ = setrlimit(RLIMIT_AS, before with { Soft = ProcessFacts.AddressSpaceBytes(Environment.ProcessId) + Little });
        });
        Task start = inner.StartAsync();
        loop.Post(() => _ = setrlimit(RLIMIT_AS, before));
        isReady.Set();
        Assert.That(async () => await start, Throws.TypeOf<BridgeSetupException>().With.Message.Contains("no memory for datagrams"));

        await inner.StartAsync();
        Assert.That(inner.IsSocketInPlace);

        await inner.UnbindAsync();
        await inner.AbortAsync();
        parts.Namespaces.Release(place);
        parts.Inherited.CloseRest();
    }

    /// <summary>struct rlimit of sys/resource.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Limit(long Soft, long Hard);

    [DllImport("libc")]
    private static extern int getrlimit(int resource, out Limit limit);

    [DllImport("libc")]
    private static extern int setrlimit(int resource, in Limit limit);
}
