using NsBridge.Bridges;

namespace NsBridge.UnitTests.Bridges;

internal sealed class DescriptorPressureTests
{
    [Test]
    public void CountEntries_OfAFolderThatCannotBeOpened_IsNoFault() =>
        Assert.That(DescriptorPressure.CountEntries($"/proc/self/{Path.GetRandomFileName()}"), Is.Null);
}
