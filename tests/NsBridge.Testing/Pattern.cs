namespace NsBridge.Testing;

/// <summary>
/// An endless stream of known bytes: what stands at each position follows from the position, so that a lost, doubled or swapped byte shows at once
/// and nothing needs to be remembered.
/// </summary>
public static class Pattern
{
    // A prime, so that no buffer size of any relay divides it and a shifted buffer can never look right.
    private const int Period = 65_521;
    private static readonly byte[] Bytes = Make();

    /// <summary>Fills <paramref name="buffer"/> with what stands from <paramref name="position"/> on.</summary>
    public static void Fill(Span<byte> buffer, long position)
    {
        var at = (int)(position % Period);
        while (!buffer.IsEmpty)
        {
            var part = Math.Min(buffer.Length, Period - at);
            Bytes.AsSpan(at, part).CopyTo(buffer);
            buffer = buffer[part..];
            at = 0;
        }
    }

    /// <summary>The first <paramref name="length"/> bytes from <paramref name="position"/> on.</summary>
    public static byte[] Take(int length, long position = 0)
    {
        var bytes = new byte[length];
        Fill(bytes, position);
        return bytes;
    }

    /// <summary>Fails the test where <paramref name="received"/> is not what stands from <paramref name="position"/> on.</summary>
    public static void Verify(ReadOnlySpan<byte> received, long position)
    {
        var at = (int)(position % Period);
        while (!received.IsEmpty)
        {
            var part = Math.Min(received.Length, Period - at);
            var wrong = received[..part].CommonPrefixLength(Bytes.AsSpan(at, part));
            if (wrong != part)
                Assert.Fail($"Wrong byte at position {position + wrong}: {received[wrong]} in place of {Bytes[at + wrong]}.");
            received = received[part..];
            position += part;
            at = 0;
        }
    }

    private static byte[] Make()
    {
        var bytes = new byte[Period];
        new Random(20_260_101).NextBytes(bytes);
        return bytes;
    }
}
