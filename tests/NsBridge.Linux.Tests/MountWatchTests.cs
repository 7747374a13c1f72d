using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

[TestFixture, LeaksNothing]
internal sealed class MountWatchTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    [Test]
    public async Task Wait_ANamespaceIsMadeReplacedAndDeleted_EndsEachTime()
    {
        await using TestNamespace named = await TestNamespace.ReserveAsync();
        using var watch = new MountWatch();
        await WakesAsync(watch, () => named.AddAsync());
        await WakesAsync(watch, () => Command.CheckAsync("mount", "--bind", "/proc/self/ns/net", named.FilePath));
        await WakesAsync(watch, () => Command.CheckAsync("umount", named.FilePath));
        await WakesAsync(watch, named.DeleteAsync);
    }

    [Test]
    public async Task Wake_BeforeOrDuringTheWait_EndsIt()
    {
        using var watch = new MountWatch();
        watch.Wake();
        await WaitAsync(watch);
        Task waiting = WaitAsync(watch);
        watch.Wake();
        await waiting;
    }

    private static async Task WakesAsync(MountWatch watch, Func<Task> change)
    {
        Task waiting = WaitAsync(watch);
        await change();
        await waiting;
    }

    /// <summary>A wait that only an event can end in time.</summary>
    private static Task WaitAsync(MountWatch watch) => Task.Run(() => watch.Wait((int)(2 * s_deadline).TotalMilliseconds)).WaitAsync(s_deadline);
}
