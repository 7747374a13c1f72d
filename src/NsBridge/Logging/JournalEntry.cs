using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using NsBridge.Base;

namespace NsBridge.Logging;

/// <summary>One datagram of the journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): <c>NAME=value\n</c>, or, for a
/// value with a line feed, <c>NAME\n</c>, its length as a little-endian 64-bit number, the value and <c>\n</c>.</summary>
internal sealed class JournalEntry
{
    /// <summary>The longest value in UTF-8 bytes, such as a stack trace. A datagram has to fit the socket's send buffer (212,992 bytes by
    /// default).</summary>
    public const int LongestValue = 48 * 1024;

    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <param name="name">Upper-case letters, digits and underscores, as journald demands.</param>
    /// <param name="value">Passes <see cref="PlainText"/>. Null or empty adds no field.</param>
    public void Add(string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        Span<byte> utf8 = Encoding.UTF8.GetBytes(PlainText.Lines(value)).AsSpan();
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

    /// <summary>A value that ends within a character is binary data for the journal, which does not show it.</summary>
    private static int StartOfCharacterAt(ReadOnlySpan<byte> utf8, int index)
    {
        while ((utf8[index] & 0xC0) == 0x80)
            index--;
        return index;
    }
}
