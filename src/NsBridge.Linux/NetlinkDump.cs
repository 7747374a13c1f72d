using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Asks the kernel for all objects of a kind: netlink(7). The answer is about the network namespace of the netlink socket, so no
/// thread has to be inside.</summary>
internal static class NetlinkDump
{
    private const int SizeOfHeader = 16;

    /// <summary>Bytes for one message; the kernel fills at most 32 KiB.</summary>
    private const int SizeOfBuffer = 64 << 10;

    public delegate void Message(ReadOnlySpan<byte> payload);

    /// <summary>A request: struct nlmsghdr, and room for a body of zeros.</summary>
    public static byte[] Request(ushort type, int body, out Span<byte> room)
    {
        byte[] request = new byte[SizeOfHeader + body];
        MemoryMarshal.Write(request, (uint)request.Length);
        MemoryMarshal.Write(request.AsSpan(4), type);
        const ushort Flags = Libc.NLM_F_REQUEST | Libc.NLM_F_DUMP;
        MemoryMarshal.Write(request.AsSpan(6), Flags);
        room = request.AsSpan(SizeOfHeader);
        return request;
    }

    /// <param name="netlink">A socket of AF_NETLINK.</param>
    /// <param name="request">What to ask.</param>
    /// <param name="type">The type of the answers.</param>
    /// <param name="read">Gets the payload of each answer.</param>
    /// <returns>Why the answers are not complete; <see cref="Errno.None"/> if they are.</returns>
    public static Errno Ask(int netlink, ReadOnlySpan<byte> request, ushort type, Message read)
    {
        nint sent = Libc.Send(netlink, request);
        if (sent < 0)
            return Libc.ErrorOf(sent);
        byte[] buffer = new byte[SizeOfBuffer];
        while (true)
        {
            // The calls that send and receive write the dump themselves: an answer that is not there now never comes.
            nint count = Libc.Receive(netlink, buffer);
            if (count < 0)
                return Libc.ErrorOf(count);
            if (count == 0)
                return Errno.EPROTO;
            for (Span<byte> rest = buffer.AsSpan(0, (int)count); rest.Length >= SizeOfHeader;)
            {
                int length = (int)MemoryMarshal.Read<uint>(rest);
                if (length < SizeOfHeader || length > rest.Length)
                    return Errno.EPROTO;
                Span<byte> payload = rest[SizeOfHeader..length];
                ushort answer = MemoryMarshal.Read<ushort>(rest[4..]);
                if (answer == Libc.NLMSG_DONE)
                    return Errno.None;
                if (answer == Libc.NLMSG_ERROR)
                    return payload.Length < 4 ? Errno.EPROTO : Libc.ErrorOf(MemoryMarshal.Read<int>(payload));
                if (answer == type)
                    read(payload);
                rest = rest[Math.Min(Align(length), rest.Length)..];
            }
        }
    }

    /// <summary>Finds one of the attributes (struct nlattr) behind a message.</summary>
    public static bool TryFindAttribute(ReadOnlySpan<byte> attributes, ushort type, out ReadOnlySpan<byte> value)
    {
        while (attributes.Length >= 4)
        {
            int length = MemoryMarshal.Read<ushort>(attributes);
            if (length < 4 || length > attributes.Length)
                break;
            if (MemoryMarshal.Read<ushort>(attributes[2..]) == type)
            {
                value = attributes[4..length];
                return true;
            }

            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }

        value = default;
        return false;
    }

    private static int Align(int length) => (length + 3) & ~3;
}
