namespace NsBridge.Commands.Inspection;

/// <summary>The files that <c>ip netns</c> keeps for the namespaces that have names.</summary>
internal static class NamespaceNames
{
    public const string Folder = "/run/netns";

    /// <summary>Their paths in order; none where there is no such folder.</summary>
    /// <returns>Whether this user may ask.</returns>
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
