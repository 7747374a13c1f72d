using System.Buffers.Binary;
using System.Text;

namespace NsBridge.Systemd;

/// <summary>A D-Bus method call with text arguments, as bytes. Source: D-Bus Specification, "Message Protocol".</summary>
internal static class BusCall
{
    private const byte LittleEndian = (byte)'l';
    private const byte MethodCall = 1;
    private const byte NoAutoStart = 2;
    private const byte ProtocolVersion = 1;
    private const int BodyLengthAt = 4;
    private const int SerialAt = 8;
    private const int FieldsLengthAt = 12;
    private const int FieldsAt = 16;

    private const byte PathField = 1;
    private const byte InterfaceField = 2;
    private const byte MemberField = 3;
    private const byte DestinationField = 6;
    private const byte SignatureField = 8;

    /// <param name="serial">Not zero; the answer names it.</param>
    /// <param name="destination">Whose method it is; null where the connection leads to him alone.</param>
    /// <param name="path">The object.</param>
    /// <param name="type">Its interface.</param>
    /// <param name="member">The method.</param>
    /// <param name="arguments">Strings.</param>
    public static byte[] Write(uint serial, string? destination, string path, string type, string member, params ReadOnlySpan<string> arguments)
    {
        var bytes = new List<byte>(256) { LittleEndian, MethodCall, NoAutoStart, ProtocolVersion };
        bytes.AddRange(new byte[FieldsAt - bytes.Count]);
        AddField(bytes, PathField, 'o', path);
        AddField(bytes, InterfaceField, 's', type);
        AddField(bytes, MemberField, 's', member);
        if (destination is not null)
            AddField(bytes, DestinationField, 's', destination);
        if (arguments.Length > 0)
            AddSignatureField(bytes, new string('s', arguments.Length));
        int fieldsLength = bytes.Count - FieldsAt;
        Align(bytes, 8);
        int bodyAt = bytes.Count;
        foreach (string argument in arguments)
            AddString(bytes, argument);
        byte[] message = [.. bytes];
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(BodyLengthAt), message.Length - bodyAt);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(SerialAt), serial);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(FieldsLengthAt), fieldsLength);
        return message;
    }

    private static void AddField(List<byte> bytes, byte field, char type, string value)
    {
        Align(bytes, 8);
        bytes.AddRange([field, 1, (byte)type, 0]);
        AddString(bytes, value);
    }

    private static void AddSignatureField(List<byte> bytes, string signature)
    {
        Align(bytes, 8);
        bytes.AddRange([SignatureField, 1, (byte)'g', 0, (byte)signature.Length]);
        bytes.AddRange(Encoding.ASCII.GetBytes(signature));
        bytes.Add(0);
    }

    private static void AddString(List<byte> bytes, string value)
    {
        Align(bytes, 4);
        byte[] text = Encoding.UTF8.GetBytes(value);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        bytes.AddRange(length);
        bytes.AddRange(text);
        bytes.Add(0);
    }

    private static void Align(List<byte> bytes, int boundary)
    {
        while (bytes.Count % boundary != 0)
            bytes.Add(0);
    }
}
