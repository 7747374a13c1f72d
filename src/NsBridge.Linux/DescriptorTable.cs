using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>The table in which the kernel keeps what the process has open.</summary>
public static class DescriptorTable
{
    private const int StackBytes = 64 * 1024;

    /// <summary>
    /// Makes room for so many descriptors, or as many as the process may have, by a thread that ends by itself. The table doubles by itself whenever it
    /// is full, but in a process of several threads each time stands still until every processor has passed a quiet point (RCU). Measured: 8 to 20 ms
    /// for whoever opens the next one, five times on the way to 8,000; asked for at once it is one such wait, here for nobody.
    /// </summary>
    /// <param name="descriptors">How many; each costs 8 bytes of the kernel's memory.</param>
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
