using NsBridge.Testing;

// Tests that mostly wait run beside each other, before all others.
[assembly: LevelOfParallelism(4)]

namespace NsBridge.IntegrationTests;

/// <summary>Installs the tools and publishes the executable before the first test's clock starts.</summary>
[SetUpFixture]
internal sealed class ProjectSetUp : ExclusiveProject
{
    protected override async Task PrepareAsync()
    {
        await DebianPackages.RequireAsync("iproute2");
        await PublishedDaemon.PathAsync();
    }
}
