using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Sockets;

[TestFixture, LeaksNothing]
internal sealed class DescriptorPassingTests
{
    private int _sender;
    private int _receiver;

    [SetUp]
    public void MakePair() => Libc.SocketPair(Libc.SOCK_STREAM, out _sender, out _receiver);

    [TearDown]
    public void ClosePair()
    {
        Libc.Close(_sender);
        Libc.Close(_receiver);
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(Libc.DescriptorsPerMessage)]
    public void ReceiveDescriptors_OfAMessage_GetsOthersOfTheSameFiles(int count)
    {
        Libc.Pipe(out int readEnd, out int writeEnd);
        int[] sent = Enumerable.Range(0, count).Select(i => i == 0 ? writeEnd : readEnd).ToArray();
        Assert.That((int)Libc.SendDescriptors(_sender, "hello"u8, sent), Is.EqualTo(5));

        byte[] data = new byte[16];
        int[] descriptors = new int[Libc.DescriptorsPerMessage];
        Assert.That((int)Libc.ReceiveDescriptors(_receiver, data, descriptors, out int came, out bool truncated), Is.EqualTo(5));
        int[] mine = descriptors[..came];
        try
        {
            Assert.That(data.AsSpan(0, 5).SequenceEqual("hello"u8), Is.True);
            Assert.That((came, truncated), Is.EqualTo((count, false)));
            Assert.That(mine.Concat(sent.Distinct()), Is.Unique, "descriptors of our own");
            if (count == 0)
                return;
            Libc.Write(mine[0], [42]);
            Assert.That((int)Libc.Read(readEnd, data), Is.EqualTo(1));
            Assert.That(data[0], Is.EqualTo(42));
            string flags = File.ReadLines($"/proc/self/fdinfo/{mine[0]}").First(line => line.StartsWith("flags:", StringComparison.Ordinal));
            // O_CLOEXEC in octal.
            Assert.That(Convert.ToInt32(flags[6..].Trim(), 8) & 0x80000, Is.Not.Zero, "close-on-exec");
        }
        finally
        {
            foreach (int descriptor in mine)
                Libc.Close(descriptor);
            Libc.Close(readEnd);
            Libc.Close(writeEnd);
        }
    }

    [Test]
    public void SendDescriptors_OneTooMany_IsRefused()
    {
        int[] many = Enumerable.Repeat(_sender, Libc.DescriptorsPerMessage + 1).ToArray();
        Assert.That(() => Libc.SendDescriptors(_sender, [1], many), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void ReceiveDescriptors_OfTwoMessages_KeepsThemApart()
    {
        Libc.SendDescriptors(_sender, [1], [_sender]);
        Libc.SendDescriptors(_sender, [2], [_sender, _sender]);
        byte[] data = new byte[16];
        int[] descriptors = new int[Libc.DescriptorsPerMessage];
        foreach (int expected in new[] { 1, 2 })
        {
            Assert.That((int)Libc.ReceiveDescriptors(_receiver, data, descriptors, out int came, out _), Is.EqualTo(1));
            Assert.That((data[0], came), Is.EqualTo(((byte)expected, expected)));
            foreach (int descriptor in descriptors.AsSpan(0, came))
                Libc.Close(descriptor);
        }
    }

    [Test]
    public void ReceiveDescriptors_NothingThereOrTheEnd_SaysSo()
    {
        int[] descriptors = new int[Libc.DescriptorsPerMessage];
        Assert.That(Libc.ErrorOf(Libc.ReceiveDescriptors(_receiver, new byte[1], descriptors, out _, out _)), Is.EqualTo(Errno.EAGAIN));
        Libc.Shutdown(_sender, Libc.SHUT_WR);
        Assert.That((int)Libc.ReceiveDescriptors(_receiver, new byte[1], descriptors, out _, out _), Is.Zero);
    }

    [Test]
    public async Task ReceiveDescriptors_MoreThanTheProcessMayHave_SaysThatSomeAreLost() =>
        Assert.That(await OwnChild.RunAsync(["prlimit", "--nofile=200:200"], "receive-more-than-fit"), Is.EqualTo("1 fewer truncated"));
}
