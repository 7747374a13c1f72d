using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Namespaces;

/// <summary>
/// Namespaces that come and go while the service runs, seen through its own view of the file system: whether a mount made on the
/// machine shows there, and whether one taken away is let go, depends on the order of everything.
/// </summary>
internal sealed class NamespaceTests : ServiceFixture
{
    private static readonly TimeSpan s_promisedToServe = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_promisedToLetGo = TimeSpan.FromSeconds(5);

    [Test]
    public async Task Namespace_FirstOfTheMachineAfterTheStart_ServedWithinTwoSeconds()
    {
        const string ForgetAll = "while mountpoint -q /run/netns; do umount /run/netns || break; done; rmdir /run/netns; ! test -e "
            + "/run/netns";
        Assert.That(await Machine.HoldsAsync(ForgetAll), "the machine is as before its first namespace");
        string name = TargetNamespace.FreshName();
        await Service.RestartWithAsync(Web(name));
        await Service.BecomesAsync("web", "waiting");

        TargetNamespace target = await TargetNamespace.AddAsync(Machine, name);
        await target.EchoAsync(3000);
        Assert.That(await Service.EchoesAsync(3003), Is.LessThan(s_promisedToServe));
        await target.DeleteAsync();
    }

    [Test]
    public async Task Namespace_ThereBeforeTheStart_Served()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        await Service.RestartWithAsync(Web(target.Name));
        await Service.EchoesAsync(3003);
        await target.DeleteAsync();
    }

    [Test]
    public async Task Namespace_ThereBeforeTheStartThenDeleted_IsFreed()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        await Service.RestartWithAsync(Web(target.Name));
        await DeletedIsFreedAsync(target);
    }

    [Test]
    [Promise("netns.never-pins")]
    public async Task Namespace_MadeAfterTheStartThenDeleted_IsFreed()
    {
        string name = TargetNamespace.FreshName();
        await Service.RestartWithAsync(Web(name));
        TargetNamespace target = await TargetNamespace.AddAsync(Machine, name);
        await target.EchoAsync(3000);
        await DeletedIsFreedAsync(target);
    }

    [Test]
    [Promise("netns.follows")]
    public async Task Namespace_DeletedAndMadeAgain_IsFollowed()
    {
        string name = TargetNamespace.FreshName();
        TargetNamespace first = await TargetNamespace.AddAsync(Machine, name);
        await first.EchoAsync(3000);
        await Service.RestartWithAsync(Web(name));
        await Service.EchoesAsync(3003);

        for (int round = 0; round < 3; round++)
        {
            await first.DeleteAsync();
            await Service.BecomesAsync("web", "waiting");
            first = await TargetNamespace.AddAsync(Machine, name);
            await first.EchoAsync(3000);
            Assert.That(await Service.EchoesAsync(3003), Is.LessThan(s_promisedToServe), $"round {round}");
        }

        await first.DeleteAsync();
        await Service.BecomesAsync("web", "waiting");
        // The file that `ip netns delete` has unmounted and not removed yet may not be opened; that is not a fault.
        Assert.That(await Service.JournalAsync($"_PID={await Service.ProcessAsync()}"), Does.Contain("does not exist").And.Not
            .Contain("has failed"));
    }

    [Test]
    public async Task Namespace_ReplacedUnderTheSameNameAtOnce_NextConnectionReachesTheNewOne()
    {
        string name = TargetNamespace.FreshName();
        TargetNamespace old = await TargetNamespace.AddAsync(Machine, name);
        await old.EchoAsync(3000);
        await Service.RestartWithAsync(Web(name));
        await Service.EchoesAsync(3003);

        await old.DeleteAsync();
        TargetNamespace successor = await TargetNamespace.AddAsync(Machine, name);
        await successor.EchoAsync(3000);
        Assert.That(await Service.EchoesAsync(3003), Is.LessThan(s_promisedToServe));
        await successor.DeleteAsync();
    }

    [Test]
    [Promise("netns.waits")]
    public async Task Namespace_Missing_ServiceIsStartedAndSaysSo()
    {
        await Service.RestartWithAsync(Web(TargetNamespace.FreshName()));
        Assert.That(await Service.PropertyAsync("ActiveState"), Is.EqualTo("active"));
        await Machine.EventuallyAsync("systemctl show nsbridge --property=StatusText | grep -q '1 waiting'", TimeSpan.FromSeconds(10));
    }

    private async Task DeletedIsFreedAsync(TargetNamespace target)
    {
        await Service.EchoesAsync(3003);
        using HeldConnection held = await HeldConnection.OpenAsync(Machine, 3003);
        string inode = await target.InodeAsync();
        // An inode may be given again at once, so no other namespace is created until this one has gone.
        await target.DeleteAsync();
        await Machine.EventuallyAsync($"! lsns --type=net --noheadings --output=NS | grep -qw {inode}", s_promisedToLetGo);
        await held.BreaksAsync(s_promisedToLetGo);
        await Machine.EventuallyAsync($"! grep -q netns/{target.Name} /proc/{await Service.ProcessAsync()}/mountinfo", s_promisedToLetGo);
        await Service.BecomesAsync("web", "waiting");
    }

    private static BridgeEntry Web(string name) => new("web") { Listen = "127.0.0.1:3003", Namespace = name, Target = "127.0.0.1:3000" };
}
