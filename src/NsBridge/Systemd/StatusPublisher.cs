using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace NsBridge.Systemd;

/// <summary>Keeps the line under <c>Status:</c> in <c>systemctl status</c> true.</summary>
internal sealed class StatusPublisher : BackgroundService
{
    /// <summary>People read it, so it may lag this much; connections come and go far too often to tell each.</summary>
    private static readonly TimeSpan s_lag = TimeSpan.FromSeconds(1);

    private readonly IStatusLine _status;
    private readonly ISystemdNotifier _manager;

    public StatusPublisher(IStatusLine status, ISystemdNotifier manager)
    {
        _status = status;
        _manager = manager;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_manager.IsEnabled)
            return;

        using var timer = new PeriodicTimer(s_lag);
        string told = "";
        try
        {
            do
            {
                string line = _status.Describe();
                if (line == told)
                    continue;
                _manager.Notify(new ServiceState("STATUS=" + line));
                told = line;
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }
}
