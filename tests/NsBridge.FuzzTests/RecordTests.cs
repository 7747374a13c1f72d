using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.FuzzTests;

/// <summary>Records between two halves, to the target, and from the kernel.</summary>
internal sealed class RecordTests
{
    /// <summary>SOCK_DIAG_BY_FAMILY and NLMSG_DONE.</summary>
    private const byte SocketByFamily = 20, Done = 3;

    private static readonly Gen<byte[]> s_record =
        Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(HandoffRecord.Size);

    [Test]
    public void Handoff_OfAnyBytes_IsReadAndWrittenTheSame() => Fuzz.Run(s_record, bytes =>
    {
        HandoffRecord record = HandoffRecord.Read(bytes);
        byte[] written = new byte[HandoffRecord.Size];
        record.Write(written);
        Assert.That(HandoffRecord.Read(written), Is.EqualTo(record));
        Assert.That(record.Peer.ToString(), Is.Not.Empty);

        HandoffNotice notice = HandoffNotice.Read(bytes);
        notice.Write(written);
        Assert.That(HandoffNotice.Read(written), Is.EqualTo(notice));
    });

    [Test]
    public void PeerName_OfAnyBytes_HasAPlaceThatIsNotNegative() =>
        Fuzz.Run(Fuzz.Damaged("nsbh1f.AbCd"u8.ToArray(), "nsbr0.AbCd"u8.ToArray()), bytes =>
        {
            byte[] name = bytes.Length == 0 ? [0] : bytes[..Math.Min(bytes.Length, TargetEndpoint.LongestUnixName)];
            Assert.That(JoinPeerName.Of(SockAddr.FromAbstract(name)).Value, Is.Not.Negative);
        });

    [Test]
    public void ProxyHeader_OfAnyClient_CarriesItsAddress()
    {
        using var client = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        client.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        Fuzz.Run(s_record, bytes =>
        {
            var peer = PeerAddress.From(SockAddr.From(new IPAddress(bytes.AsSpan(0, bytes[31] % 2 == 0 ? 4 : 16)), 1 + bytes[30]));
            Span<byte> header = stackalloc byte[ProxyHeader.Longest];
            int length = ProxyHeader.Write(header, ProxyProtocol.V1, peer, (int)client.Handle);
            string[] words = Encoding.ASCII.GetString(header[..length]).Split(' ');
            Assert.That((words[2], words[4], words[5][^2..]), Is.EqualTo(($"{peer.ToIPAddress()}", $"{peer.Port}", "\r\n")));

            length = ProxyHeader.Write(header, ProxyProtocol.V2, peer, (int)client.Handle);
            int size = header[13] == 0x11 ? 4 : 16;
            Assert.That((length, new IPAddress(header.Slice(16, size))), Is.EqualTo((20 + 2 * size, peer.ToIPAddress())));
        });
    }

    [Test]
    public void Diagnostics_OfAnyAnswer_EndsWithSocketsOrAnError()
    {
        // A dump: one TCP socket on 127.0.0.1:80 and the end.
        byte[] socket = new byte[16 + 72], end = new byte[20];
        (socket[0], socket[4], socket[16], socket[20 + 1], socket[24]) = ((byte)socket.Length, SocketByFamily, Libc.AF_INET, 80, 127);
        (end[0], end[4]) = ((byte)end.Length, Done);
        Fuzz.Run(Fuzz.Damaged([.. socket, .. end], end).ArrayOf(5), answers =>
        {
            Assert.That(Libc.SocketPair(Libc.SOCK_SEQPACKET, out int kernel, out int asking), Is.Zero);
            foreach (byte[] answer in answers.Where(answer => answer.Length > 0))
                Libc.Send(kernel, answer);

            List<BoundSocket> found = SocketDiagnostics.Listening(asking, out _);

            Assert.That(found.Where(one => one.Address is null && one.ToString() == ""), Is.Empty);
            Libc.Close(kernel);
            Libc.Close(asking);
        });
    }
}
