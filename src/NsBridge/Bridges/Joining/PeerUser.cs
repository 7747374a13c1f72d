using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Joining;

/// <summary>Whether the other end of a UNIX socket belongs to the daemon's own user, also across user namespaces.</summary>
/// <remarks>The kernel translates the peer's user into this process's user namespace, so the same user has the same number here. A user
/// without a number here shows as the overflow user (proc_sys_kernel(5)): that number proves something only if every user has a
/// number.</remarks>
internal static class PeerUser
{
    private const uint UsualOverflowUser = 65534;

    private static readonly bool s_provesNothing = Libc.EffectiveUser() == OverflowUser() && !HasNumberForEveryone();

    /// <param name="process">SO_PEERCRED's; this process itself always matches.</param>
    /// <param name="user">SO_PEERCRED's.</param>
    public static bool IsOwn(int process, uint user) =>
        process == Environment.ProcessId || (user == Libc.EffectiveUser() && !s_provesNothing);

    /// <summary>Whether the daemon's own user listens at the other end of a connected UNIX socket.</summary>
    public static bool IsBehind(int socket) => Libc.PeerCredentials(socket, out int process, out uint user) >= 0 && IsOwn(process, user);

    private static uint OverflowUser()
    {
        try
        {
            return uint.Parse(File.ReadAllText("/proc/sys/kernel/overflowuid"), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return UsualOverflowUser;
        }
    }

    /// <summary>The first user namespace's map is one line with all numbers but the last, which means "none"; see
    /// user_namespaces(7).</summary>
    private static bool HasNumberForEveryone()
    {
        string all = uint.MaxValue.ToString(CultureInfo.InvariantCulture);
        return File.ReadLines("/proc/self/uid_map").Any(line => line.TrimEnd().EndsWith(all, StringComparison.Ordinal));
    }
}
