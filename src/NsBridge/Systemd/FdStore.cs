using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>
/// The file descriptor store of the service manager, see sd_pid_notify_with_fds(3): what it holds is handed to the next process of the service,
/// however this one ends.
/// </summary>
/// <param name="manager">The way to the manager.</param>
internal sealed class FdStore(NotifySocket manager)
{
    /// <summary>Gives the manager a descriptor to keep. Whether it keeps it cannot be seen here.</summary>
    /// <param name="name">How it comes back in <c>LISTEN_FDNAMES</c>.</param>
    /// <param name="descriptor">Stays the caller's too.</param>
    /// <returns>0, or a negated error.</returns>
    public int Put(string name, int descriptor) =>
        // Without FDPOLL=0 the manager drops a socket pair's end as soon as the other end is closed, which is when it is needed.
        manager.Send($"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", descriptor);

    /// <summary>Has the manager close what it keeps under a name.</summary>
    /// <returns>0, or a negated error.</returns>
    public int Remove(string name) => manager.Send($"FDSTOREREMOVE=1\nFDNAME={name}");

    /// <summary>Waits until the manager has dealt with all that it was sent.</summary>
    /// <returns>False where it did not within <paramref name="patience"/>.</returns>
    public async Task<bool> SyncAsync(TimeSpan patience)
    {
        if (Libc.Pipe(out int readEnd, out int writeEnd) < 0)
            return false;
        try
        {
            int sent = manager.Send("BARRIER=1", writeEnd);
            Libc.Close(writeEnd);
            writeEnd = -1;
            if (sent < 0)
                return false;
            // The manager closes its end when it comes to the message.
            byte[] nothing = new byte[1];
            for (long end = Environment.TickCount64 + (long)patience.TotalMilliseconds; Libc.Read(readEnd, nothing) != 0;)
            {
                if (Environment.TickCount64 >= end)
                    return false;
                await Task.Delay(1);
            }
            return true;
        }
        finally
        {
            Libc.Close(readEnd);
            if (writeEnd >= 0)
                Libc.Close(writeEnd);
        }
    }
}
