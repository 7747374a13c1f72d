using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NsBridge.Base;
using NsBridge.Hosting;

namespace NsBridge.UnitTests.Hosting;

/// <summary>Only an end that was asked for is a good one.</summary>
internal sealed class HostRunTests
{
    [Test]
    public async Task ToEnd_AServiceFails_IsAFailure()
    {
        using IHost host = Build<Failing>();
        Assert.That(await HostRun.ToEndAsync(host, () => Task.CompletedTask, CancellationToken.None), Is.EqualTo(ExitCode.Failed));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task ToEnd_AskedToStop_IsWell(bool before)
    {
        using IHost host = Build<Steady>();
        using var stop = new CancellationTokenSource();
        if (before)
            await stop.CancelAsync();
        Task<int> end = HostRun.ToEndAsync(host, () => Task.CompletedTask, stop.Token);
        await stop.CancelAsync();
        Assert.That(await end.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(ExitCode.Success));
    }

    [Test]
    public async Task ToEnd_TheHostHearsOfASignalDuringTheStartBeforeTheCaller_IsWell()
    {
        using IHost host = Build<NeverReady>();
        using var stop = new CancellationTokenSource();
        Task<int> end = HostRun.ToEndAsync(host, () => Task.CompletedTask, stop.Token);
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        // Long enough for the start to end, and within what a signal's two hearers may lie apart.
        await Task.Delay(30);
        await stop.CancelAsync();
        Assert.That(await end.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(ExitCode.Success));
    }

    [Test]
    public async Task ToEnd_TheHostStopsDuringTheStartByItself_IsAFailure()
    {
        using IHost host = Build<NeverReady>();
        Task<int> end = HostRun.ToEndAsync(host, () => Task.CompletedTask, CancellationToken.None);
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.That(await end.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(ExitCode.Failed));
    }

    private static IHost Build<TService>()
        where TService : class, IHostedService
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddHostedService<TService>();
        return builder.Build();
    }

    private sealed class Steady : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Delay(Timeout.Infinite, stoppingToken);
    }

    private sealed class NeverReady : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Failing : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw new InvalidOperationException("this service fails");
        }
    }
}
