using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace NsBridge.Logging;

/// <summary>
/// One datagram of the journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): <c>NAME=value\n</c>, or, for a value
/// with a line break, <c>NAME\n</c>, its length as a little-endian 64-bit number, the value and <c>\n</c>.
/// </summary>
internal sealed class JournalEntry
{
    /// <summary>
    /// Longest value in UTF-8 bytes. A datagram has to fit the socket's send buffer (212,992 bytes by default); a stack trace is
    /// the longest thing said here.
    /// </summary>
    public const int LongestValue = 48 * 1024;

    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <param name="name">Upper-case letters, digits and underscores, as journald demands.</param>
    /// <param name="value">Left out when null or empty: an absent field is how the journal says "none".</param>
    public void Add(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;

        Span<byte> utf8 = Encoding.UTF8.GetBytes(value).AsSpan();
        if (utf8.Length > LongestValue)
            utf8 = utf8[..StartOfCharacterAt(utf8, LongestValue)];

        Encoding.UTF8.GetBytes(name, _bytes);
        if (utf8.Contains((byte)'\n'))
        {
            _bytes.Write("\n"u8);
            BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), (ulong)utf8.Length);
            _bytes.Advance(sizeof(ulong));
        }
        else
        {
            _bytes.Write("="u8);
        }

        _bytes.Write(utf8);
        _bytes.Write("\n"u8);
    }

    public void Add(string name, int value) => Add(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Half a character would make the journal take the whole value for binary data, which it does not show.</summary>
    private static int StartOfCharacterAt(ReadOnlySpan<byte> utf8, int index)
    {
        while ((utf8[index] & 0xC0) == 0x80)
            index--;
        return index;
    }
}
