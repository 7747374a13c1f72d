namespace NsBridge.Operations.Import;

/// <summary>One socat that runs: where clients come from, where they are led, and the network namespace it runs in.</summary>
/// <param name="Namespace">As a configuration names it; null for the host's.</param>
/// <param name="From">The first address.</param>
/// <param name="To">The second one.</param>
internal sealed record SocatCommand(string? Namespace, SocatAddress From, SocatAddress To)
{
    /// <summary>Reads a command's words, with whatever stands before <c>socat</c>: <c>ip netns exec vpn socat A B</c>.</summary>
    /// <param name="words">The command.</param>
    /// <param name="around">The namespace it is started in, where the words name none.</param>
    /// <returns>Null where the words hold no socat.</returns>
    /// <exception cref="UserFault">They do, but not with two addresses.</exception>
    public static SocatCommand? TryRead(List<string> words, string? around)
    {
        var at = words.FindIndex(word => Path.GetFileName(word) is "socat" or "socat1" or "socat2");
        if (at < 0)
            return null;
        var addresses = new List<string>();
        for (var i = at + 1; i < words.Count; i++)
        {
            if (addresses.Count == 0 && words[i].Length > 1 && words[i][0] == '-')
            {
                // These take a number, attached or as the next word.
                if (words[i] is "-T" or "-t" or "-b" or "-L" or "-W" or "-lf" or "-lp" or "-lm" or "-r" or "-R" or "-S")
                    i++;
                continue;
            }

            addresses.Add(words[i]);
        }

        if (addresses.Count != 2)
            throw new UserFault($"socat takes two addresses, and '{string.Join(' ', words)}' has {addresses.Count}; quote the whole command line", CommandLine.ExitCode.Usage);
        return new SocatCommand(NamespaceOf(words[..at]) ?? around, SocatAddress.Parse(addresses[0]), SocatAddress.Parse(addresses[1]));
    }

    /// <summary>The namespace that the words before a command enter: <c>ip netns exec NAME</c>, <c>nsenter --net=FILE</c>, <c>nsenter -t PID -n</c>.</summary>
    internal static string? NamespaceOf(List<string> words)
    {
        var exec = words.FindIndex(word => word == "exec");
        if (exec > 0 && words[exec - 1] is "netns" or "net" or "n" && exec + 1 < words.Count)
            return words[exec + 1];
        var enter = words.FindIndex(word => Path.GetFileName(word) == "nsenter");
        if (enter < 0)
            return null;
        string? process = null, file = null;
        var network = false;
        for (var i = enter + 1; i < words.Count; i++)
        {
            var word = words[i];
            if (word.StartsWith("--net=", StringComparison.Ordinal))
                file = word["--net=".Length..];
            else if (word.StartsWith("-n/", StringComparison.Ordinal))
                file = word[2..];
            else if (word is "-n" or "--net")
                network = true;
            else if (word is "-t" or "--target" && i + 1 < words.Count)
                process = words[++i];
            else if (word.StartsWith("--target=", StringComparison.Ordinal))
                process = word["--target=".Length..];
        }

        return file is not null ? Shortened(file) : network && process is not null ? $"pid:{process}" : null;
    }

    /// <summary>A file in <c>/run/netns</c> by its name alone.</summary>
    internal static string Shortened(string file)
    {
        var folder = Path.GetDirectoryName(file);
        return folder is "/run/netns" or "/var/run/netns" ? Path.GetFileName(file) : file;
    }
}
