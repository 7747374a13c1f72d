namespace NsBridge.Testing;

/// <summary>The checkout that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder that holds <c>nsbridge.sln</c>.</summary>
    /// <exception cref="InvalidOperationException">The test assembly is not below such a folder.</exception>
    public static string Root { get; } = Find();

    /// <summary>What builds and tests leave behind; not under version control.</summary>
    public static string Artifacts { get; } = Path.Combine(Root, "artifacts");

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "nsbridge.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No nsbridge.sln above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}
