using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>The executable file of this process as it is mapped; see proc_pid_smaps(5).</summary>
public static class ProgramImage
{
    /// <summary>Unmaps the executable's code and constants, of which the start uses most and the daemon little: 3 MiB of idle memory. A
    /// page that is needed again comes from the page cache. A mapping with a page that the loader changed stays whole.</summary>
    /// <returns>How many bytes of mappings were unmapped; 0 if the kernel does not list them.</returns>
    public static long Release()
    {
        long released = 0;
        (nint Start, nint End)? unchanged = null;
        try
        {
            foreach (string line in File.ReadLines("/proc/self/smaps"))
            {
                // 55d0c0a00000-55d0c0e00000 r--p 004b0000 08:01 1234    /usr/bin/nsbridge
                string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                if (fields is [var range, "r--p" or "r-xp", _, _, _, var file] && file == Environment.ProcessPath)
                {
                    string[] bounds = range.Split('-');
                    unchanged = (Address(bounds[0]), Address(bounds[1]));
                }
                else if (unchanged is { } mapping && fields is ["Anonymous:", var changed, ..])
                {
                    int length = (int)(mapping.End - mapping.Start);
                    released += changed == "0" && NativePages.Discard(mapping.Start, length) ? length : 0;
                    unchanged = null;
                }
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return released;
        }
        return released;
    }

    private static nint Address(string hexadecimal) =>
        nint.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
