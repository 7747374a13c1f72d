using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Options;

namespace NsBridge.Systemd;

/// <summary>
/// Asks the service manager, when a stop begins, for the time that the configuration gives it. Without it a <c>ShutdownTimeout</c>
/// longer than the unit's <c>TimeoutStopSec=</c> would end in SIGKILL, and two numbers would have to be kept in step by hand.
/// </summary>
internal sealed class StopTimeoutExtension : IHostedService, IDisposable
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ISystemdNotifier _manager;
    private readonly HostOptions _host;
    private CancellationTokenRegistration _stopping;

    public StopTimeoutExtension(IHostApplicationLifetime lifetime, ISystemdNotifier manager, IOptions<HostOptions> host)
    {
        _lifetime = lifetime;
        _manager = manager;
        _host = host.Value;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _stopping = _lifetime.ApplicationStopping.Register(Ask);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    private void Ask()
    {
        if (_manager.IsEnabled)
            _manager.Notify(new ServiceState(string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)_host.ShutdownTimeout.TotalMicroseconds}")));
    }
}
