using NsBridge.Testing;

namespace NsBridge.SystemTests.Package;

/// <summary>The package and the tarball, built once a run from the published executable.</summary>
internal static class BuiltPackage
{
    private static readonly TimeSpan s_buildDeadline = TimeSpan.FromMinutes(2);
    private static readonly Lazy<Task<string>> s_built = new(BuildAsync);

    /// <summary>The folder that holds both.</summary>
    public static Task<string> FolderAsync() => s_built.Value;

    /// <summary>Path of the <c>.deb</c>.</summary>
    public static async Task<string> PathAsync() => Directory.EnumerateFiles(await FolderAsync(), "*.deb").Single();

    private static async Task<string> BuildAsync()
    {
        await DebianPackages.RequireAsync("dpkg-dev");
        string folder = Path.Combine(Repository.Artifacts, "package");
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        CommandResult result = await Command.RunAsync(
            Path.Combine(Repository.Root, "deploy", "package.sh"),
            [folder],
            s_buildDeadline,
            new Dictionary<string, string?> { ["NSBRIDGE_EXECUTABLE"] = await PublishedDaemon.PathAsync() });
        return result.ExitCode == 0
            ? folder
            : throw new InvalidOperationException($"deploy/package.sh failed with {result.ExitCode}: {result.Everything}");
    }
}
