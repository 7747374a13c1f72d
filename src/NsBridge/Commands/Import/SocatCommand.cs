using NsBridge.Base;

namespace NsBridge.Commands.Import;

/// <summary>One socat that runs: where clients come from, where they are led, and the network namespace it runs in.</summary>
/// <param name="Place">Where it runs.</param>
/// <param name="Flags">The options in front of its addresses.</param>
/// <param name="From">The first address.</param>
/// <param name="To">The second one.</param>
internal sealed record SocatCommand(CommandPlace Place, SocatFlags Flags, SocatAddress From, SocatAddress To)
{
    /// <summary>Reads a command's words, with whatever stands before <c>socat</c>: <c>ip netns exec vpn socat A B</c>.</summary>
    /// <param name="words">The command.</param>
    /// <param name="around">Where it is started.</param>
    /// <returns>Null where the words hold no socat.</returns>
    /// <exception cref="UserErrorException">They do, but not with two addresses.</exception>
    public static SocatCommand? TryRead(List<string> words, CommandPlace around)
    {
        int at = words.FindIndex(word => Path.GetFileName(word) is "socat" or "socat1" or "socat2");
        if (at < 0)
            return null;
        (SocatFlags? flags, List<string>? addresses) = SocatFlags.Split(words[(at + 1)..]);
        if (addresses.Count != 2)
            throw new UserErrorException($"socat takes two addresses, and '{string.Join(' ', words)}' has {addresses.Count}; quote the whole command line", ExitCode.Usage);
        return new SocatCommand(CommandPlace.Of(words[..at], around), flags, SocatAddress.Parse(addresses[0]), SocatAddress.Parse(addresses[1]));
    }
}
