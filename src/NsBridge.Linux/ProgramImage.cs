using System.Globalization;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>The executable file of this process as it is mapped: <c>/proc/self/maps</c> and <c>/proc/self/pagemap</c>, proc(5).</summary>
public static unsafe class ProgramImage
{
    private const int PagesAtOnce = 512;

    /// <summary>
    /// Unmaps the executable's constants, a few MiB that hardly anything but the start reads. What is needed again comes back from the page cache at its next use.
    /// Where the kernel does not tell about pages nothing is unmapped.
    /// </summary>
    /// <returns>How many bytes were unmapped.</returns>
    public static long ReleaseConstants()
    {
        long released = 0;
        try
        {
            foreach (string line in File.ReadLines("/proc/self/maps"))
            {
                // 55d0c0a00000-55d0c0e00000 r--p 004b0000 08:01 1234    /usr/bin/nsbridge
                string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                if (fields.Length == 6 && fields[1] == "r--p" && fields[5] == Environment.ProcessPath)
                {
                    string[] bounds = fields[0].Split('-');
                    released += ReleaseUnchanged(Address(bounds[0]), Address(bounds[1]));
                }
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return released;
        }
        return released;
    }

    /// <summary>
    /// Unmaps the pages of a private file mapping that are still as the file has them. A page that was written stays, whatever its protection is now: the runtime
    /// and the loader write into constants before they protect them, and such a page would come back without that.
    /// </summary>
    /// <param name="start">The address of the first page.</param>
    /// <param name="end">The address behind the last page.</param>
    /// <returns>How many bytes were unmapped.</returns>
    /// <exception cref="IOException">The kernel does not tell about pages.</exception>
    internal static long ReleaseUnchanged(nint start, nint end)
    {
        int page = Environment.SystemPageSize;
        long released = 0;
        ulong* entries = stackalloc ulong[PagesAtOnce];
        // Shared for writing: whatever else is asked for would be a lock.
        using SafeFileHandle pageMap = File.OpenHandle("/proc/self/pagemap", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        for (nint at = start; at < end; at += PagesAtOnce * page)
        {
            int wanted = (int)Math.Min(PagesAtOnce, (end - at) / page);
            int told = RandomAccess.Read(pageMap, new Span<byte>(entries, wanted * sizeof(ulong)), at / page * sizeof(ulong)) / sizeof(ulong);
            for (int first = 0; first < told; first++)
            {
                int count = 0;
                while (first + count < told && IsOfFile(entries[first + count]))
                    count++;
                if (count > 0 && NativePages.Discard(at + first * page, count * page))
                    released += (long)count * page;
                first += count;
            }
        }
        return released;
    }

    /// <summary>Whether a page is in memory (bit 63) and the file's own (bit 61).</summary>
    private static bool IsOfFile(ulong pageMapEntry) => (pageMapEntry >> 61 & 0b101) == 0b101;

    private static nint Address(string hexadecimal) => nint.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
