using System.Globalization;

namespace NsBridge.Linux;

/// <summary>Capabilities of this process: capabilities(7). They are asked for once: a daemon never changes its own.</summary>
public static class OwnCapabilities
{
    private const int CAP_SYS_ADMIN = 21;

    /// <summary>Whether it has CAP_SYS_ADMIN in its own user namespace, which may not be the one that owns its network.</summary>
    public static bool MayAdminister { get; } = (ReadEffective() & 1UL << CAP_SYS_ADMIN) != 0;

    private static ulong ReadEffective()
    {
        const string key = "CapEff:";
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return ulong.Parse(line.AsSpan(key.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
