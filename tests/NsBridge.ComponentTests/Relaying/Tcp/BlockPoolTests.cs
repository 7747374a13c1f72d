using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

[TestFixture]
internal sealed class BlockPoolTests
{
    [TestCase(1, 4096)]
    [TestCase(4096, 4096)]
    [TestCase(4097, 16 * 1024)]
    [TestCase(16 * 1024 + 1, 64 * 1024)]
    [TestCase(64 * 1024 + 1, 256 * 1024)]
    [TestCase(256 * 1024, 256 * 1024)]
    public void Rent_Bytes_GivesTheNextSize(int bytes, int size)
    {
        using var pool = new BlockPool();
        Block block = pool.Rent(bytes);
        NativePages.Write(block.Address + size - 4, [1, 2, 3, 4]);
        Assert.That(block.Size, Is.EqualTo(size));
        pool.Return(block);
        Assert.That(pool.Rent(bytes), Is.EqualTo(block), "the same again");
        pool.Return(block);
    }

    [Test]
    public void Rent_MoreThanTheLargest_IsADefectOfTheCaller()
    {
        using var pool = new BlockPool();
        Assert.That(() => pool.Rent(BlockPool.Largest + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Rent_ManyAtOnce_AreApartAndFewAreKept()
    {
        using var pool = new BlockPool();
        long before = ProcessFacts.ResidentBytes(Environment.ProcessId);
        byte[] content = new byte[BlockPool.Largest];
        var blocks = Enumerable.Range(0, 400).Select(_ => pool.Rent(BlockPool.Largest)).ToList();
        Assert.That(blocks.Select(block => block.Address), Is.Unique);
        var ordered = blocks.OrderBy(block => block.Address).ToList();
        Assert.That(ordered.Zip(ordered.Skip(1)).All(pair => pair.First.Address + pair.First.Size <= pair.Second.Address), Is.True, "no overlap");
        blocks.ForEach(block => NativePages.Write(block.Address, content));
        Assert.That(ProcessFacts.ResidentBytes(Environment.ProcessId) - before, Is.GreaterThan(80L << 20), "of 100 MiB");
        blocks.ForEach(pool.Return);
        Assert.That(ProcessFacts.ResidentBytes(Environment.ProcessId) - before, Is.LessThan(30L << 20), "of 100 MiB");
    }

    [Test]
    public void Empty_OfKeptBlocks_GivesTheirMemoryBack()
    {
        using var pool = new BlockPool();
        byte[] content = new byte[BlockPool.Largest];
        var blocks = Enumerable.Range(0, 8).Select(_ => pool.Rent(BlockPool.Largest)).ToList();
        blocks.ForEach(block => NativePages.Write(block.Address, content));
        blocks.ForEach(pool.Return);
        long before = ProcessFacts.ResidentBytes(Environment.ProcessId);

        Assert.That(pool.Empty());

        Assert.That(before - ProcessFacts.ResidentBytes(Environment.ProcessId), Is.GreaterThan(1L << 20), "of 2 MiB");
        Assert.That(pool.Empty(), Is.False, "none is left");
    }
}
