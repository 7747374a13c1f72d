using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>The kernel's table of the process's open files.</summary>
public static class DescriptorTable
{
    private const int StackBytes = 64 * 1024;

    /// <summary>Grows it on a thread of its own. The kernel doubles a full table, and in a process of several threads the caller waits
    /// each time until every processor has passed a quiet point (RCU). Measured: 8 to 20 ms, five times on the way to 8,000 descriptors;
    /// this is one such wait, off the loops.</summary>
    /// <param name="descriptors">How many, at most the process's limit; each takes 8 bytes of kernel memory.</param>
    public static void GrowAside(int descriptors)
    {
        int highest = Math.Min(descriptors, Libc.DescriptorLimit()) - 1;
        new Thread(() => Reach(highest), StackBytes) { Name = "descriptors", IsBackground = true }.Start();
    }

    private static void Reach(int highest)
    {
        int any = Libc.EventFd();
        Libc.Close(Libc.Duplicate(any, highest));
        Libc.Close(any);
    }
}
