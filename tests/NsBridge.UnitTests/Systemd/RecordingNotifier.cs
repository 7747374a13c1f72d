using System.Threading.Channels;
using Microsoft.Extensions.Hosting.Systemd;

namespace NsBridge.UnitTests.Systemd;

/// <summary>A service manager that keeps what it is told.</summary>
internal sealed class RecordingNotifier : ISystemdNotifier
{
    private readonly Channel<string> _states = Channel.CreateUnbounded<string>();

    public bool IsEnabled { get; init; } = true;

    public ChannelReader<string> States => _states.Reader;

    public void Notify(ServiceState state) => _states.Writer.TryWrite(state.ToString());

    public Task<string> NextAsync() => _states.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
}
