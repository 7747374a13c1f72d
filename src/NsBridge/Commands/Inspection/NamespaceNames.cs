namespace NsBridge.Commands.Inspection;

/// <summary>The files that <c>ip netns</c> keeps for namespaces with a name.</summary>
internal static class NamespaceNames
{
    public const string Folder = "/run/netns";

    /// <summary>Lists their paths in order; none if there is no such folder.</summary>
    /// <returns>Whether this user may list them.</returns>
    public static bool TryList(out IReadOnlyList<string> files)
    {
        files = [];
        try
        {
            files = [.. Directory.EnumerateFiles(Folder).Order(StringComparer.Ordinal)];
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
