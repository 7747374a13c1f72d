using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Discover;

/// <summary>
/// Runs in a mount namespace of its own with an empty <c>/run/netns</c>, so that names made there are seen by no other process.
/// </summary>
internal static class PrivateNames
{
    /// <param name="script">A shell's, with the arguments as its <c>$1</c> and so on.</param>
    /// <param name="mode">Of <c>/run/netns</c>, octal.</param>
    /// <param name="arguments">What the script is given.</param>
    public static Task<CommandResult> RunAsync(string script, string mode, params string[] arguments) => Command.RunAsync(
        "unshare",
        [
            "--mount", "--propagation", "private", "sh", "-c",
            $"mkdir -p /run/netns && mount -t tmpfs -o mode={mode} none /run/netns && mount --make-shared /run/netns || exit 99\n{script}",
            "sh", .. arguments,
        ],
        TimeSpan.FromSeconds(30));

    /// <summary>Runs <c>nsbridge</c> by a user without any privilege.</summary>
    public static async Task<CommandResult> RunAsNobodyAsync(ScratchDirectory scratch, string mode, params string[] arguments)
    {
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);
        return await RunAsync(
            "exec setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all \"$@\"", mode, [scratch["nsbridge"], .. arguments]);
    }
}
