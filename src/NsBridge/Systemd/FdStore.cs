using NsBridge.Linux.Interop;

namespace NsBridge.Systemd;

/// <summary>The file descriptor store of the service manager, sd_pid_notify_with_fds(3): the service's next process inherits its content,
/// however this one ends.</summary>
internal sealed class FdStore(NotifySocket manager)
{
    /// <summary>Sends the manager a descriptor to keep. No answer shows whether it does.</summary>
    /// <param name="name">Its name in <c>LISTEN_FDNAMES</c> later.</param>
    /// <param name="descriptor">Stays open here too.</param>
    /// <returns>0, or a negated error.</returns>
    public int Put(string name, int descriptor) =>
        // Without FDPOLL=0 the manager drops one end of a socket pair as soon as the other end is closed, which is when it is needed.
        manager.Send($"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", descriptor);

    /// <summary>Has the manager close the descriptors of a name.</summary>
    /// <returns>0, or a negated error.</returns>
    public int Remove(string name) => manager.Send($"FDSTOREREMOVE=1\nFDNAME={name}");

    /// <summary>Waits until the manager has processed everything that was sent.</summary>
    /// <returns>False if it did not within <paramref name="timeout"/>.</returns>
    public async Task<bool> SyncAsync(TimeSpan timeout)
    {
        if (Libc.Pipe(out int readEnd, out int writeEnd) < 0)
            return false;
        int sent = manager.Send("BARRIER=1", writeEnd);
        Libc.Close(writeEnd);
        try
        {
            // The manager closes its copy when it processes the message.
            byte[] nothing = new byte[1];
            for (long end = Environment.TickCount64 + (long)timeout.TotalMilliseconds; sent >= 0 && Environment.TickCount64 < end;)
            {
                if (Libc.Read(readEnd, nothing) == 0)
                    return true;
                await Task.Delay(1);
            }
            return false;
        }
        finally
        {
            Libc.Close(readEnd);
        }
    }
}
