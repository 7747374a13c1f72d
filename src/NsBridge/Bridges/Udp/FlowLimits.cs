using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Udp;

/// <summary>How many flows a bridge may have where nobody says.</summary>
internal static class FlowLimits
{
    /// <summary>
    /// Anybody can make up senders of datagrams, and each flow costs a descriptor for as long as <c>IdleTimeout</c>. With this many, a new
    /// client a millisecond still has eight seconds for its answer.
    /// </summary>
    private const int Most = 8192;

    /// <summary>The part of the process's descriptors that one bridge takes at most: others have to live too.</summary>
    private const int Share = 4;

    public static int Default { get; } = Math.Max(1, Math.Min(Most, Libc.DescriptorLimit() / Share));
}
