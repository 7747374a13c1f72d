using System.Globalization;

namespace NsBridge.Systemd;

/// <summary>The variables of sd_listen_fds(3).</summary>
internal static class ListenFds
{
    /// <summary>SD_LISTEN_FDS_START: the first after standard input, output and error.</summary>
    internal const int FirstDescriptor = 3;

    /// <summary>Reads the variables and clears them: they are for this process alone, whatever it starts.</summary>
    public static IReadOnlyList<ActivationFd> Take()
    {
        IReadOnlyList<ActivationFd> descriptors = Parse(
            Environment.GetEnvironmentVariable("LISTEN_PID"),
            Environment.GetEnvironmentVariable("LISTEN_FDS"),
            Environment.GetEnvironmentVariable("LISTEN_FDNAMES"),
            Environment.ProcessId);

        foreach (string variable in (ReadOnlySpan<string>)["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"])
            Environment.SetEnvironmentVariable(variable, null);
        return descriptors;
    }

    /// <param name="process">Value of <c>LISTEN_PID</c>: for whom they are.</param>
    /// <param name="count">Value of <c>LISTEN_FDS</c>.</param>
    /// <param name="names">Value of <c>LISTEN_FDNAMES</c>, one for each, with colons between; absent where the manager names nothing.</param>
    /// <param name="ownProcess">This process's id.</param>
    internal static IReadOnlyList<ActivationFd> Parse(string? process, string? count, string? names, int ownProcess)
    {
        // Variables that leaked from a parent name another process; taking its numbers would close files of ours.
        if (process != ownProcess.ToString(CultureInfo.InvariantCulture))
            return [];
        if (!ushort.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out ushort descriptors))
            return [];

        string[] named = names?.Split(':') ?? [];
        return
        [
            .. Enumerable.Range(0, descriptors)
                .Select(index => new ActivationFd(FirstDescriptor + index, index < named.Length ? named[index] : "")),
        ];
    }
}
