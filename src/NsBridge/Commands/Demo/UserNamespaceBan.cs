namespace NsBridge.Commands.Demo;

/// <summary>Why an ordinary user may not make namespaces here, and the cure.</summary>
internal static class UserNamespaceBan
{
    /// <summary>The cure that always helps.</summary>
    public const string AsRoot = "run it as root: sudo nsbridge demo";

    /// <summary>Debian's switch, the limits of namespaces(7), and AppArmor's switch, which forbids everything inside.</summary>
    private static readonly (string Setting, string Forbids, string Allows)[] s_settings =
    [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("user.max_user_namespaces", "0", "10000"),
        ("user.max_net_namespaces", "0", "10000"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ];

    /// <summary>A line about AppArmor's switch if it is on, else nothing: it takes the capabilities in user namespaces away.</summary>
    public static string AppArmor()
    {
        string name = s_settings[^1].Setting;
        return Read("/proc/sys", name) == s_settings[^1].Forbids
            ? $"{name} = 1 may be why: allow it with sudo sysctl {name}=0\n"
            : "";
    }

    /// <param name="folder">Where the settings are.</param>
    public static string Explain(string folder = "/proc/sys")
    {
        (string Setting, string Forbids, string Allows)[] forbidding =
            [.. s_settings.Where(each => Read(folder, each.Setting) == each.Forbids)];
        const string what = "CAP_SYS_ADMIN is missing, and without it the demo needs a user namespace, which this system does not allow";
        return forbidding.Length > 0
            ? $"{what}: {string.Join(", ", forbidding.Select(each => $"{each.Setting} = {each.Forbids}"))}.\n" +
                $"Allow it: sudo sysctl {string.Join(' ', forbidding.Select(each => $"{each.Setting}={each.Allows}"))}\nOr {AsRoot}"
            : $"{what}.\nNo kernel setting forbids it: a container's seccomp profile or a service's RestrictNamespaces= does.\n" +
                $"Leave that, or {AsRoot}";
    }

    private static string? Read(string folder, string setting)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, setting.Replace('.', '/'))).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // This kernel has no such setting.
            return null;
        }
    }
}
