using System.Buffers.Binary;
using System.Text;

namespace NsBridge.Systemd;

/// <summary>A D-Bus message that came, read as the answer to a call. Source: D-Bus Specification, "Message Protocol".</summary>
internal sealed class BusAnswer
{
    /// <summary>Bytes of a message's start, which tell the length of all of it.</summary>
    public const int StartLength = 16;

    private const byte LittleEndian = (byte)'l';
    public const byte MethodReturn = 2;
    public const byte Error = 3;
    private const int LongestMessage = 1 << 20;
    private const byte ErrorNameField = 4;
    private const byte ReplySerialField = 5;

    private readonly byte[] _message;
    private readonly byte _type;
    private int _at;

    private BusAnswer(byte[] message)
    {
        _message = message;
        _type = message[1];
    }

    /// <summary>Which call it answers; 0 for none: a signal, say.</summary>
    public uint Serial { get; private set; }

    /// <summary>The name of the error; null where the call succeeded.</summary>
    public string? ErrorName { get; private set; }

    /// <summary>How long a message is, from its first <see cref="StartLength"/> bytes.</summary>
    /// <exception cref="IOException">It is no message, or one beyond reason.</exception>
    public static int LengthOf(ReadOnlySpan<byte> start)
    {
        uint body = BinaryPrimitives.ReadUInt32LittleEndian(start[4..]);
        uint fields = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        // The other end is on this machine, so its byte order is this one's.
        if (start[0] != LittleEndian || body > LongestMessage || fields > LongestMessage)
            throw new IOException("its D-Bus message is not understood");
        return StartLength + (int)((fields + 7) & ~7u) + (int)body;
    }

    /// <summary>Reads a whole message.</summary>
    /// <exception cref="IOException">It is not well-formed.</exception>
    public static BusAnswer Read(byte[] message)
    {
        try
        {
            var answer = new BusAnswer(message);
            answer.ReadFields();
            return answer;
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new IOException("its D-Bus message is cut short");
        }
    }

    private void ReadFields()
    {
        int end = StartLength + BinaryPrimitives.ReadInt32LittleEndian(_message.AsSpan(12));
        for (_at = StartLength; _at < end;)
        {
            Align(8);
            byte field = _message.AsSpan(_at++, 1)[0];
            object value = ReadVariant();
            if (field == ReplySerialField && _type is MethodReturn or Error && value is uint serial)
                Serial = serial;
            else if (field == ErrorNameField && _type == Error)
                ErrorName = value as string ?? "";
        }
        Align(8);
    }

    /// <summary>The text of a body that is one string or object path.</summary>
    public string ReadText() => Guarded(ReadString);

    /// <summary>
    /// The value of a body that is one variant: a <see cref="string"/>, <see cref="uint"/>, <see cref="bool"/>, <see cref="byte"/> array, or the
    /// object path of a number and a path.
    /// </summary>
    public object ReadProperty() => Guarded(ReadVariant);

    private static T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new IOException("its D-Bus message is cut short");
        }
    }

    private object ReadVariant()
    {
        string signature = ReadSignature();
        return signature switch
        {
            "s" or "o" => ReadString(),
            "g" => ReadSignature(),
            "u" or "h" => ReadUInt(),
            "b" => ReadUInt() != 0,
            "ay" => ReadBytes(),
            "(uo)" => ReadNumberedPath(),
            _ => throw new IOException($"its D-Bus message holds a value of the type {signature}, which was not asked for"),
        };
    }

    private string ReadSignature()
    {
        int length = _message.AsSpan(_at, 1)[0];
        string signature = Encoding.ASCII.GetString(_message.AsSpan(_at + 1, length));
        _at += length + 2;
        return signature;
    }

    private uint ReadUInt()
    {
        Align(4);
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(_message.AsSpan(_at));
        _at += 4;
        return value;
    }

    private string ReadString()
    {
        int length = (int)ReadUInt();
        string text = Encoding.UTF8.GetString(_message.AsSpan(_at, length));
        _at += length + 1;
        return text;
    }

    // systemd's way to name a job: the number says nothing that the path does not.
    private string ReadNumberedPath()
    {
        Align(8);
        ReadUInt();
        return ReadString();
    }

    private byte[] ReadBytes()
    {
        int length = (int)ReadUInt();
        byte[] bytes = _message.AsSpan(_at, length).ToArray();
        _at += length;
        return bytes;
    }

    private void Align(int boundary) => _at = (_at + boundary - 1) / boundary * boundary;
}
