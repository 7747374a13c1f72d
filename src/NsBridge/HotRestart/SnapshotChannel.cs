using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.HotRestart;

/// <summary>
/// A pair of UNIX sockets in whose queue parcels travel: the service manager keeps one end as a single descriptor, whatever number of them waits
/// in its queue. A parcel is one message with its description, as a file in memory, and as many with descriptors as it takes. Several parcels may
/// follow each other; the last complete one counts.
/// </summary>
internal static class SnapshotChannel
{
    private const byte Description = 1;
    private const byte Descriptors = 2;

    /// <summary>Makes the pair.</summary>
    /// <param name="queue">The end to write to.</param>
    /// <param name="kept">The end to read from.</param>
    /// <returns>0, or a negated error.</returns>
    public static int Make(out int queue, out int kept)
    {
        int result = Libc.SocketPair(Libc.SOCK_SEQPACKET, out queue, out kept);
        // What a socket begins with holds some 235 messages, not 60,000 descriptors. The kernel cuts the wish down to twice net.core.wmem_max.
        if (result >= 0)
            Libc.SetOption(queue, Libc.SOL_SOCKET, Libc.SO_SNDBUF, int.MaxValue);
        return result;
    }

    /// <summary>Puts a parcel into the queue. Its descriptors stay the caller's too. Where nobody takes it up, its connections are reset.</summary>
    /// <param name="socket">The end to write to.</param>
    /// <param name="parcel">What is left.</param>
    /// <param name="moment">Now, on the monotonic clock.</param>
    /// <returns>0, or a negated error.</returns>
    public static int Send(int socket, RestartSnapshot parcel, long moment)
    {
        int file = Libc.MemoryFile("nsbridge-parcel\0"u8);
        if (file < 0)
            return file;
        try
        {
            ReadOnlySpan<byte> rest = SnapshotWriter.Write(parcel, moment);
            while (!rest.IsEmpty)
            {
                nint written = Libc.Write(file, rest);
                if (written < 0)
                    return (int)written;
                rest = rest[(int)written..];
            }
            foreach (ConnectionSnapshot connection in parcel.Connections)
                connection.Depart();
            nint sent = Libc.SendDescriptors(socket, [Description], [file]);
            foreach (int[] some in parcel.Descriptors().Chunk(Libc.DescriptorsPerMessage))
            {
                if (sent >= 0)
                    sent = Libc.SendDescriptors(socket, [Descriptors], some);
            }
            return (int)Math.Min(sent, 0);
        }
        finally
        {
            Libc.Close(file);
        }
    }

    /// <summary>Empties the queue and gives the last complete parcel in it; what belongs to others is closed.</summary>
    /// <param name="socket">The end to read from.</param>
    /// <param name="moment">When the parcel was made.</param>
    /// <param name="fault">Why a parcel was dropped; null where none was.</param>
    /// <returns>The parcel, whose descriptors are the caller's; null where there is none.</returns>
    public static RestartSnapshot? Receive(int socket, out long moment, out string? fault)
    {
        RestartSnapshot? last = null;
        int file = -1;
        List<int> came = [];
        long when = 0;
        string? why = null;
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        Span<byte> kind = stackalloc byte[1];
        while (true)
        {
            nint read = Libc.ReceiveDescriptors(socket, kind, descriptors, out int count, out bool truncated);
            bool begins = read == 1 && kind[0] == Description && count == 1;
            if (read <= 0 || begins)
                Complete();
            if (read <= 0)
            {
                CloseAll(descriptors[..count]);
                break;
            }
            if (begins)
                file = descriptors[0];
            else
                came.AddRange(descriptors[..count]);
            if (truncated)
                why = "this process may not have enough open files for it (LimitNOFILE=)";
        }
        moment = when;
        fault = why;
        return last;

        void Complete()
        {
            if (file < 0 && came.Count == 0)
                return;
            try
            {
                if (file < 0)
                    throw new SnapshotException("its description is missing");
                RestartSnapshot parcel = SnapshotReader.Read(ReadFile(file), came, out long made, out IReadOnlyList<int> unknown);
                CloseAll([.. unknown]);
                if (unknown.Count > 0)
                    why = $"{unknown.Count} descriptors of a kind this program does not know were closed";
                if (last is not null)
                    CloseAll([.. last.Descriptors()]);
                (last, when) = (parcel, made);
            }
            catch (SnapshotException problem)
            {
                why ??= problem.Message;
                CloseAll([.. came]);
            }
            file = -1;
            came = [];
        }
    }

    private static byte[] ReadFile(int descriptor)
    {
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            byte[] whole = new byte[RandomAccess.GetLength(file)];
            for (int read = 0; read < whole.Length;)
            {
                int some = RandomAccess.Read(file, whole.AsSpan(read), read);
                if (some == 0)
                    throw new SnapshotException("its description is cut short");
                read += some;
            }
            return whole;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or NotSupportedException or OutOfMemoryException)
        {
            throw new SnapshotException($"its description cannot be read: {problem.Message}");
        }
    }

    private static void CloseAll(ReadOnlySpan<int> descriptors)
    {
        foreach (int descriptor in descriptors)
            OrphanDescriptor.Close(descriptor);
    }
}
