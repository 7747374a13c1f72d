using System.Diagnostics;
using NsBridge.Linux;
using NsBridge.Namespaces;

namespace NsBridge.ComponentTests.Namespaces;

internal sealed class PidResolverTests
{
    [Test]
    public void Renew_AProcessThatLives_StaysTheOneThatIsMeant()
    {
        using var resolver = new PidResolver(Environment.ProcessId);
        NetworkNamespace? found = resolver.Resolve(out _);

        resolver.Renew();

        Assert.That(resolver.Resolve(out _), Is.SameAs(found));
    }

    [Test]
    public async Task Renew_AProcessThatHasEnded_IsLookedForAnewAndNotBefore()
    {
        using var process = Process.Start("sleep", "600");
        using var resolver = new PidResolver(process.Id);
        NetworkNamespace? found = resolver.Resolve(out _);
        process.Kill();
        await process.WaitForExitAsync();
        Assert.That(resolver.Resolve(out _), Is.SameAs(found));

        resolver.Renew();

        Assert.That(resolver.Resolve(out NamespaceState? absent), Is.Null);
        Assert.That(absent.Reason, Is.EqualTo($"there is no process {process.Id}"));
    }
}
