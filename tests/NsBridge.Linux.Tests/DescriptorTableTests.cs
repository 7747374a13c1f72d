using System.Globalization;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests;

internal sealed class DescriptorTableTests
{
    [Test]
    public async Task GrowAside_MoreThanIsOpen_TableHasRoomForThem()
    {
        int wanted = Math.Min(2 * TableSize(), Libc.DescriptorLimit());
        Assert.That(wanted, Is.GreaterThan(TableSize()), "the limit leaves room to grow");

        DescriptorTable.GrowAside(wanted);

        await Eventually.TrueAsync(() => TableSize() >= wanted, TimeSpan.FromSeconds(10), "the table has grown");
    }

    private static int TableSize() => int.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("FDSize:", StringComparison.Ordinal))["FDSize:".Length..], CultureInfo.InvariantCulture);
}
