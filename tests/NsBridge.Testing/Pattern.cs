namespace NsBridge.Testing;

/// <summary>
/// An endless stream of known bytes. Each byte follows from its position, so that a lost, doubled or swapped byte shows at once
/// and nothing needs to be remembered.
/// </summary>
public static class Pattern
{
    // A prime, so that no buffer size of any relay divides it and a shifted buffer can never look right.
    private const int Period = 65_521;
    private static readonly byte[] s_bytes = Make();

    /// <summary>Fills <paramref name="buffer"/> with the bytes from <paramref name="position"/> on.</summary>
    public static void Fill(Span<byte> buffer, long position)
    {
        int at = (int)(position % Period);
        while (!buffer.IsEmpty)
        {
            int part = Math.Min(buffer.Length, Period - at);
            s_bytes.AsSpan(at, part).CopyTo(buffer);
            buffer = buffer[part..];
            at = 0;
        }
    }

    /// <summary>The first <paramref name="length"/> bytes from <paramref name="position"/> on.</summary>
    public static byte[] Take(int length, long position = 0)
    {
        byte[] bytes = new byte[length];
        Fill(bytes, position);
        return bytes;
    }

    /// <summary>Fails the test if <paramref name="received"/> differs from the bytes at <paramref name="position"/>.</summary>
    public static void Verify(ReadOnlySpan<byte> received, long position)
    {
        int at = (int)(position % Period);
        while (!received.IsEmpty)
        {
            int part = Math.Min(received.Length, Period - at);
            int wrong = received[..part].CommonPrefixLength(s_bytes.AsSpan(at, part));
            if (wrong != part)
                Assert.Fail($"Wrong byte at position {position + wrong}: {received[wrong]} in place of {s_bytes[at + wrong]}.");
            received = received[part..];
            position += part;
            at = 0;
        }
    }

    private static byte[] Make()
    {
        byte[] bytes = new byte[Period];
        new Random(20_260_101).NextBytes(bytes);
        return bytes;
    }
}
