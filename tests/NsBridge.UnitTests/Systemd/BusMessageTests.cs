using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

/// <summary>D-Bus messages, byte for byte as the specification lays them out.</summary>
internal sealed class BusMessageTests
{
    [Test]
    public void Call_WithArguments_IsLaidOutAsSpecified()
    {
        byte[] call = BusCall.Write(7, "d.e", "/a", "i.f", "Get", "x", "yz");

        byte[] wanted =
        [
            (byte)'l', 1, 2, 1, 15, 0, 0, 0, 7, 0, 0, 0, 72, 0, 0, 0,
            1, 1, (byte)'o', 0, 2, 0, 0, 0, (byte)'/', (byte)'a', 0, 0, 0, 0, 0, 0,
            2, 1, (byte)'s', 0, 3, 0, 0, 0, (byte)'i', (byte)'.', (byte)'f', 0, 0, 0, 0, 0,
            3, 1, (byte)'s', 0, 3, 0, 0, 0, (byte)'G', (byte)'e', (byte)'t', 0, 0, 0, 0, 0,
            6, 1, (byte)'s', 0, 3, 0, 0, 0, (byte)'d', (byte)'.', (byte)'e', 0, 0, 0, 0, 0,
            8, 1, (byte)'g', 0, 2, (byte)'s', (byte)'s', 0,
            1, 0, 0, 0, (byte)'x', 0, 0, 0, 2, 0, 0, 0, (byte)'y', (byte)'z', 0,
        ];
        Assert.That(call, Is.EqualTo(wanted));
    }

    [Test]
    public void Answer_OfAProperty_IsRead()
    {
        // Type 2: reply serial 7; a variant that holds the number 4711.
        byte[] message =
        [
            (byte)'l', 2, 1, 1, 8, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0,
            5, 1, (byte)'u', 0, 7, 0, 0, 0,
            1, (byte)'u', 0, 0, 0x67, 0x12, 0, 0,
        ];
        Assert.That(BusAnswer.LengthOf(message), Is.EqualTo(message.Length));

        BusAnswer answer = BusAnswer.Read(message);

        Assert.That(answer.Serial, Is.EqualTo(7));
        Assert.That(answer.ErrorName, Is.Null);
        Assert.That(answer.ReadProperty(), Is.EqualTo(4711u));
    }

    [Test]
    public void Answer_OfAnError_TellsItsName()
    {
        byte[] message =
        [
            (byte)'l', 3, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 20, 0, 0, 0,
            5, 1, (byte)'u', 0, 7, 0, 0, 0,
            4, 1, (byte)'s', 0, 3, 0, 0, 0, (byte)'n', (byte)'o', (byte)'!', 0, 0, 0, 0, 0,
        ];
        BusAnswer answer = BusAnswer.Read(message);
        Assert.That((answer.Serial, answer.ErrorName), Is.EqualTo((7u, "no!")));
    }

    [Test]
    public void Answer_CutShortAnywhere_IsAFaultAndNothingElse()
    {
        byte[] message =
        [
            (byte)'l', 2, 1, 1, 8, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0,
            5, 1, (byte)'u', 0, 7, 0, 0, 0,
            1, (byte)'s', 0, 0, 0xff, 0xff, 0xff, 0x7f,
        ];
        Assert.That(() => BusAnswer.Read(message).ReadProperty(), Throws.InstanceOf<IOException>());
        for (int length = BusAnswer.StartLength; length < message.Length; length++)
            Assert.That(() => BusAnswer.Read(message[..length]).ReadProperty(), Throws.InstanceOf<IOException>(), $"{length} bytes");
    }

    [Test]
    public void Start_OfSomethingElse_IsAFault() =>
        Assert.That(() => BusAnswer.LengthOf("HTTP/1.1 400 Bad Request"u8), Throws.InstanceOf<IOException>());
}
