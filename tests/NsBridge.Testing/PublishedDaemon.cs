using System.Security.Cryptography;
using System.Text;

namespace NsBridge.Testing;

/// <summary>The native executable as users get it, published at most once for each state of the sources.</summary>
public static class PublishedDaemon
{
    private static readonly TimeSpan s_publishDeadline = TimeSpan.FromMinutes(8);
    private static readonly string[] s_sourceNames = ["*.cs", "*.csproj", "*.json", "*.resx"];
    private static readonly string[] s_sharedFiles =
        ["Directory.Build.props", "Directory.Packages.props", "global.json", "appsettings.json"];
    private static readonly Lazy<Task<string>> s_published = new(PublishAsync);

    /// <summary>The absolute path of <c>nsbridge</c>; the first call publishes it if necessary.</summary>
    /// <exception cref="InvalidOperationException">Publishing failed; the message contains the output of the build.</exception>
    public static Task<string> PathAsync() => s_published.Value;

    private static async Task<string> PublishAsync()
    {
        string folder = Path.Combine(Repository.Artifacts, "publish");
        string executable = Path.Combine(folder, "nsbridge");
        string stamp = Path.Combine(Repository.Artifacts, "publish.stamp");
        using FileLock turn = await FileLock.AcquireAsync(Path.Combine(Repository.Artifacts, "publish.lock"), s_publishDeadline);
        string sources = Fingerprint();
        if (File.Exists(executable) && File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == sources)
            return executable;

        // What NativeAOT links with.
        await DebianPackages.RequireAsync("gcc", "zlib1g-dev");
        File.Delete(stamp);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        CommandResult result = await Command.RunAsync(
            "dotnet",
            [
                "publish", Path.Combine(Repository.Root, "src", "NsBridge"), "-c", "Release", "-o", folder,
                // Apart from bin/ and obj/, which the running `dotnet test` may be building at this moment.
                "--artifacts-path", Path.Combine(Repository.Artifacts, "publish-build"),
                // No build server may stay behind: it would keep our pipes open.
                "-nodeReuse:false", "-p:UseSharedCompilation=false",
            ],
            s_publishDeadline,
            CleanEnvironment());
        if (result.ExitCode != 0 || !File.Exists(executable))
            throw new InvalidOperationException($"Publishing src/NsBridge failed with {result.ExitCode}:\n{result.Everything}");
        await File.WriteAllTextAsync(stamp, sources);
        return executable;
    }

    private static string Fingerprint()
    {
        string source = Path.Combine(Repository.Root, "src");
        string[] built = new[] { "bin", "obj" };
        IOrderedEnumerable<string> files = s_sourceNames
            .SelectMany(pattern => Directory.EnumerateFiles(source, pattern, SearchOption.AllDirectories))
            .Where(file => !Path.GetRelativePath(source, file).Split('/').Any(built.Contains))
            .Concat(s_sharedFiles.Select(file => Path.Combine(Repository.Root, file)).Where(File.Exists))
            .Order(StringComparer.Ordinal);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string? file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(File.ReadAllBytes(file));
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>`dotnet test` leaves its own build's settings in the environment; another build must not inherit them.</summary>
    private static Dictionary<string, string?> CleanEnvironment() =>
        Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("VSTEST", StringComparison.Ordinal))
            .ToDictionary(name => name, _ => (string?)null);
}
