using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using NsBridge.ComponentTests.Logging;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Systemd;

/// <summary>Whatever becomes of the manager, telling it neither fails nor waits.</summary>
internal sealed class ManagerNotifierTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(5);

    [TestCase(false)]
    [TestCase(true)]
    public void Notify_ManagerListens_HearsIt(bool isAbstract)
    {
        using var manager = new ListeningManager(isAbstract);
        using var scene = new Scene(manager.Address);

        scene.Notifier.Notify(ServiceState.Ready);

        Assert.That(manager.Read(), Is.EqualTo(new[] { "READY=1" }));
        Assert.That(scene.Lines, Is.Empty);
    }

    [Test]
    public void Notify_NobodyListens_IsToldOnce()
    {
        using var scene = new Scene(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));

        scene.Notifier.Notify(ServiceState.Ready);
        scene.Notifier.Notify(new ServiceState("STATUS=1 up"));

        Assert.That(scene.Lines, Has.Count.EqualTo(1));
        Assert.That(scene.Lines.Single(), Does.Contain("READY").And.Contain("ENOENT"));
    }

    [Test]
    public void Notify_TheManagerGoesAway_IsToldOnce()
    {
        using var manager = new ListeningManager(isAbstract: true);
        using var scene = new Scene(manager.Address);
        scene.Notifier.Notify(ServiceState.Ready);
        manager.Dispose();

        scene.Notifier.Notify(new ServiceState("WATCHDOG=1"));
        scene.Notifier.Notify(new ServiceState("WATCHDOG=1"));

        Assert.That(scene.Lines, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Notify_TheManagersQueueIsFull_DoesNotWaitAndTellsTheNewestOfEachOnceThereIsRoom()
    {
        using var manager = new ListeningManager();
        using var scene = new Scene(manager.Address);
        manager.Fill();
        var clock = Stopwatch.StartNew();

        scene.Notifier.Notify(ServiceState.Ready);
        scene.Notifier.Notify(new ServiceState("STATUS=older"));
        scene.Notifier.Notify(new ServiceState("STATUS=newer"));

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(1)));
        Assert.That(manager.Read(), Is.Not.Empty.And.All.EqualTo("STATUS=of another process"));
        var heard = new List<string>();
        await Eventually.TrueAsync(
            () =>
            {
                heard.AddRange(manager.Read());
                return Task.FromResult(heard.Count >= 2);
            },
            s_soon, "it is told");
        Assert.That(heard, Is.EqualTo(new[] { "READY=1", "STATUS=newer" }));
        Assert.That(scene.Lines, Is.Empty);
    }

    [Test]
    public async Task Notify_TheManagerNeverReads_IsGivenUpAndTold()
    {
        using var manager = new ListeningManager();
        using var scene = new Scene(manager.Address, TimeSpan.FromMilliseconds(300));
        manager.Fill();

        scene.Notifier.Notify(ServiceState.Ready);

        Assert.That(scene.Lines, Is.Empty);
        await Eventually.TrueAsync(() => Task.FromResult(scene.Lines.Count == 1), s_soon, "it is told");
        Assert.That(scene.Lines.Single(), Does.Contain("READY").And.Contain("EAGAIN"));
        Assert.That(manager.Read(), Has.None.EqualTo("READY=1"));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("/")]
    [TestCase("run/notify")]
    [TestCase("vsock:2:1234")]
    public void To_NoSocketsAddress_Null(string? address) => Assert.That(NotifySocket.To(address), Is.Null);

    [Test]
    public void To_LongerThanAnAddressMayBe_Null() => Assert.That(NotifySocket.To("/" + new string('x', 107)), Is.Null);

    [Test]
    public async Task Host_WithSystemdOperation_TellsItsStartAndItsStopThisWay()
    {
        using var manager = new ListeningManager();
        using NotifySocket way = NotifySocket.To(manager.Address)!;
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<IHeartbeat, Still>().AddSingleton<IStatusLine, Still>().AddSystemdOperation(way);
        using IHost host = builder.Build();

        Assert.That(host.Services.GetRequiredService<ISystemdNotifier>(), Is.TypeOf<ManagerNotifier>());
        await host.StartAsync();
        await host.StopAsync();

        Assert.That(manager.Read().Select(message => message.Split('=')[0]), Is.SupersetOf(new[] { "READY", "STOPPING", "EXTEND_TIMEOUT_USEC" }));
    }

    private sealed class Still : IHeartbeat, IStatusLine
    {
        public Task BeatAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public string Describe() => "still";
    }

    private sealed class Scene : IDisposable
    {
        private readonly LogLines _log = new();
        private readonly NotifySocket _way;

        public Scene(string address, TimeSpan? patience = null)
        {
            _way = NotifySocket.To(address)!;
            Notifier = new ManagerNotifier(_way, _log.CreateLogger<ManagerNotifier>(), patience ?? TimeSpan.FromMinutes(1));
        }

        public ManagerNotifier Notifier { get; }

        public IReadOnlyList<string> Lines => _log.Lines;

        public void Dispose()
        {
            Notifier.Dispose();
            _way.Dispose();
            _log.Dispose();
        }
    }
}
