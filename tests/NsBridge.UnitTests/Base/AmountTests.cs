using NsBridge.Base;

namespace NsBridge.UnitTests.Base;

public class AmountTests
{
    [TestCase(0, "0 B")]
    [TestCase(999, "999 B")]
    [TestCase(1000, "0.98 KiB")]
    [TestCase(10_239, "10.0 KiB")]
    [TestCase(1 << 20, "1.00 MiB")]
    [TestCase(1023L << 20, "1.00 GiB")]
    [TestCase(100L << 30, "100 GiB")]
    [TestCase(long.MaxValue, "8.00 EiB")]
    public void OfBytes_Reads(long bytes, string text) => Assert.That(Amount.OfBytes(bytes), Is.EqualTo(text));
}
