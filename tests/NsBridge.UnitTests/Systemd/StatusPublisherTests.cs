using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

internal sealed class StatusPublisherTests
{
    [Test]
    public async Task Run_StatusChanges_TellsEachStateOnce()
    {
        var manager = new RecordingNotifier();
        var line = new Line { Text = "1 bridge waiting" };
        using var publisher = new StatusPublisher(line, manager);
        await publisher.StartAsync(CancellationToken.None);
        Assert.That(await manager.NextAsync(), Is.EqualTo("STATUS=1 bridge waiting"));

        line.Text = "1 bridge up";
        Assert.That(await manager.NextAsync(), Is.EqualTo("STATUS=1 bridge up"));
        await publisher.StopAsync(CancellationToken.None);
        Assert.That(manager.States.TryRead(out _), Is.False);
    }

    [Test]
    public async Task Run_NoManager_Ends()
    {
        using var publisher = new StatusPublisher(new Line(), new RecordingNotifier { IsEnabled = false });
        await publisher.StartAsync(CancellationToken.None);
        await publisher.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private sealed class Line : IStatusLine
    {
        public volatile string Text = "";

        public string Describe() => Text;
    }
}
