using NsBridge.SystemTests.Machine;
using NsBridge.SystemTests.Package;
using NsBridge.Testing;

namespace NsBridge.SystemTests;

/// <summary>Makes the Debian root and the package before the first test's clock starts.</summary>
[SetUpFixture]
internal sealed class ProjectSetUp : ExclusiveProject
{
    protected override async Task PrepareAsync()
    {
        await DebianRoot.PathAsync();
        await BuiltPackage.FolderAsync();
    }
}
