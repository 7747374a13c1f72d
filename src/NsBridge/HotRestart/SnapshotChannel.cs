using NsBridge.Linux.Interop;

namespace NsBridge.HotRestart;

/// <summary>A pair of UNIX sockets whose queue holds snapshots: the service manager stores one end as a single descriptor, however many
/// descriptors wait in the queue. A snapshot is one message with its description, as a file in memory, and as many messages with
/// descriptors as needed. The last complete snapshot in the queue counts.</summary>
internal static class SnapshotChannel
{
    private const byte Description = 1;
    private const byte Descriptors = 2;

    /// <summary>Makes the pair: <paramref name="queue"/> to write to, <paramref name="stored"/> to read from, for the manager.</summary>
    /// <returns>0, or a negated error.</returns>
    public static int Make(out int queue, out int stored)
    {
        int result = Libc.SocketPair(Libc.SOCK_SEQPACKET, out queue, out stored);
        // The default holds some 235 messages, that is 60,000 descriptors. The kernel limits it to twice net.core.wmem_max.
        if (result >= 0)
            Libc.SetOption(queue, Libc.SOL_SOCKET, Libc.SO_SNDBUF, int.MaxValue);
        return result;
    }

    /// <summary>Puts a snapshot into the queue; the caller keeps its descriptors. If nothing reads it, its connections are reset.</summary>
    /// <param name="socket">The end to write to.</param>
    /// <param name="snapshot">The sockets and their state.</param>
    /// <param name="moment">Now, on the monotonic clock.</param>
    /// <returns>0, or a negated error.</returns>
    public static int Send(int socket, RestartSnapshot snapshot, long moment)
    {
        int file = Libc.MemoryFile("nsbridge-snapshot\0"u8);
        if (file < 0)
            return file;
        try
        {
            ReadOnlySpan<byte> rest = SnapshotSerializer.Write(snapshot, moment);
            while (!rest.IsEmpty)
            {
                nint written = Libc.Write(file, rest);
                if (written < 0)
                    return (int)written;
                rest = rest[(int)written..];
            }
            foreach (ConnectionSnapshot connection in snapshot.Connections)
                connection.Depart();
            nint sent = Libc.SendDescriptors(socket, [Description], [file]);
            foreach (int[] some in snapshot.Descriptors().Chunk(Libc.DescriptorsPerMessage))
            {
                if (sent >= 0)
                    sent = Libc.SendDescriptors(socket, [Descriptors], some);
            }
            return (int)Math.Min(sent, 0);
        }
        catch (Exception fault) when (fault is IOException or OutOfMemoryException)
        {
            // More than 2 GiB of pending bytes.
            return -(int)Errno.ENOMEM;
        }
        finally
        {
            Libc.Close(file);
        }
    }

    /// <summary>Empties the queue and returns the last complete snapshot in it; all other descriptors are closed.</summary>
    /// <param name="socket">The end to read from.</param>
    /// <param name="moment">When the snapshot was made.</param>
    /// <param name="fault">Why a snapshot was dropped; null if none was.</param>
    /// <returns>The snapshot, whose descriptors are the caller's; null if there is none.</returns>
    public static RestartSnapshot? Receive(int socket, out long moment, out string? fault)
    {
        RestartSnapshot? last = null;
        moment = 0;
        fault = null;
        using var incoming = new Incoming();
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        Span<byte> kind = stackalloc byte[1];
        while (true)
        {
            nint read = Libc.ReceiveDescriptors(socket, kind, descriptors, out int count, out bool truncated);
            bool begins = read == 1 && kind[0] == Description && count == 1;
            if ((read <= 0 || begins) && !incoming.IsEmpty)
            {
                try
                {
                    RestartSnapshot next = incoming.Complete(out long made, out int unknown);
                    if (unknown > 0)
                        fault = $"{unknown} descriptors of a kind this program does not know were closed";
                    foreach (int descriptor in last?.Descriptors() ?? [])
                        OrphanDescriptor.Close(descriptor);
                    (last, moment) = (next, made);
                }
                catch (SnapshotException problem)
                {
                    fault ??= problem.Message;
                    incoming.Dispose();
                }
            }
            incoming.Add(begins, descriptors[..count]);
            if (truncated)
                fault = "this process may not have enough open files for it (LimitNOFILE=)";
            if (read <= 0)
                return last;
        }
    }

    /// <summary>The messages of one snapshot so far. Owns their descriptors until the snapshot is complete.</summary>
    private sealed class Incoming : IDisposable
    {
        private readonly List<int> _descriptors = [];
        private int _description = -1;

        public bool IsEmpty => _description < 0 && _descriptors.Count == 0;

        public void Add(bool isDescription, ReadOnlySpan<int> descriptors)
        {
            if (isDescription)
                _description = descriptors[0];
            else
                _descriptors.AddRange(descriptors);
        }

        /// <exception cref="SnapshotException">It is damaged; all descriptors are still owned.</exception>
        public RestartSnapshot Complete(out long moment, out int unknown)
        {
            RestartSnapshot snapshot = SnapshotSerializer.Read(ReadDescription(), _descriptors, out moment, out IReadOnlyList<int> others);
            if (!new RestartSnapshot([], snapshot.Connections).Descriptors().All(OrphanDescriptor.IsConnection))
                throw new SnapshotException("it is damaged: a connection in it is no stream socket");
            // A descriptor that blocks would stop an event loop.
            foreach (int descriptor in snapshot.Descriptors())
                Libc.SetNonBlocking(descriptor);
            unknown = others.Count;
            _descriptors.Clear();
            _descriptors.AddRange(others);
            Dispose();
            return snapshot;
        }

        /// <remarks>Bounded before it is read: nsbridge writes no file with holes, nor one too long for its descriptors.</remarks>
        private byte[] ReadDescription()
        {
            if (_description < 0)
                throw new SnapshotException("its description is missing");
            if (Libc.Status(_description, out FileStatus status) < 0 || !status.IsRegular)
                throw new SnapshotException("its description is not a file");
            long most = Math.Min(SnapshotSerializer.MostBytes(_descriptors.Count), Array.MaxLength);
            if (status.Size > (ulong)most || status.AllocatedBytes < status.Size)
                throw new SnapshotException($"its description of {status.Size} bytes is too long or has holes");
            byte[] whole = new byte[status.Size];
            for (int read = 0; read < whole.Length;)
            {
                nint some = Libc.ReadAt(_description, whole.AsSpan(read), read);
                if (some <= 0)
                    throw new SnapshotException($"its description cannot be read: {(some == 0 ? "it is cut short" : Libc.ErrorOf(some))}");
                read += (int)some;
            }
            return whole;
        }

        public void Dispose()
        {
            Libc.Close(_description);
            _description = -1;
            foreach (int descriptor in _descriptors)
                OrphanDescriptor.Close(descriptor);
            _descriptors.Clear();
        }
    }
}
