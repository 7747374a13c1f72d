using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

internal sealed class StopTimeoutExtensionTests
{
    [Test]
    public async Task Stop_Begins_ManagerIsAskedForTheTimeTheHostTakes()
    {
        var manager = new RecordingNotifier();
        using var lifetime = new Lifetime();
        var host = new HostOptions { ShutdownTimeout = TimeSpan.FromMinutes(1) };
        using var allowance = new StopTimeoutExtension(lifetime, manager, Options.Create(host));
        await allowance.StartAsync(CancellationToken.None);
        Assert.That(manager.States.TryRead(out _), Is.False);

        // As a reload does.
        host.ShutdownTimeout = TimeSpan.FromMinutes(10);
        lifetime.StopApplication();
        Assert.That(await manager.NextAsync(), Is.EqualTo("EXTEND_TIMEOUT_USEC=600000000"));
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}
