using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>The system's groups: group(5) and other sources of the name service switch.</summary>
public static class GroupDatabase
{
    /// <summary>Finds the id of a group by its name.</summary>
    /// <returns>False if there is no such group, or the name service does not answer.</returns>
    public static unsafe bool TryFind(string name, out uint id)
    {
        id = 0;

        // An entry carries its members, so a big group needs a big buffer; ERANGE asks for a larger one.
        for (int size = 4096; size <= 4 << 20; size *= 4)
        {
            byte[] buffer = new byte[size];
            fixed (byte* bytes = buffer)
            {
                Libc.Group entry;
                Libc.Group* found;
                var error = (Errno)Libc.getgrnam_r(name, &entry, bytes, (nuint)size, &found);
                if (error == Errno.ERANGE)
                    continue;
                if (error != Errno.None || found is null)
                    return false;
                id = found->Id;
                return true;
            }
        }

        return false;
    }
}
