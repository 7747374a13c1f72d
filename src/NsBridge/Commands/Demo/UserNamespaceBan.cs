namespace NsBridge.Commands.Demo;

/// <summary>Why an ordinary user gets no namespaces of his own here, and what would change that.</summary>
internal static class UserNamespaceBan
{
    /// <summary>The cure that always helps.</summary>
    public const string AsRoot = "run it as root: sudo nsbridge demo";

    /// <summary>Debian's switch, the limits of namespaces(7), and AppArmor's switch, which lets them be made and forbids everything in them.</summary>
    private static readonly (string Setting, string Forbids, string Allows)[] s_settings =
    [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("user.max_user_namespaces", "0", "10000"),
        ("user.max_net_namespaces", "0", "10000"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ];

    /// <param name="folder">Where the settings are.</param>
    public static string Explain(string folder = "/proc/sys")
    {
        (string Setting, string Forbids, string Allows)[] forbidding = s_settings.Where(each => Read(folder, each.Setting) == each.Forbids).ToArray();
        const string what = "CAP_SYS_ADMIN is missing, and without it the demo needs a user namespace, which this system does not allow";
        return forbidding.Length > 0
            ? $"{what}: {string.Join(", ", forbidding.Select(each => $"{each.Setting} = {each.Forbids}"))}.\n" +
                $"Allow it: sudo sysctl {string.Join(' ', forbidding.Select(each => $"{each.Setting}={each.Allows}"))}\nOr {AsRoot}"
            : $"{what}.\nNo kernel setting forbids it, so it is what this session runs in: a container's seccomp profile, or a service's RestrictNamespaces=.\n" +
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
            // This kernel knows no such setting.
            return null;
        }
    }
}
