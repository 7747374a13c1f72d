using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.ArchitectureTests;

/// <summary>A file's namespace is its folder.</summary>
internal sealed partial class NamespaceTests
{
    [Test]
    public void Namespace_OfEachFile_IsItsFolder()
    {
        var wrong = new List<string>();
        foreach (string top in new[] { "src", "tests" })
        {
            string root = Path.Combine(Repository.Root, top);
            foreach (string file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
            {
                string relative = Path.GetRelativePath(root, file);
                Match declared = Declaration().Match(File.ReadAllText(file));
                if (!relative.Split('/').Any(part => part is "bin" or "obj") && declared.Success
                    && declared.Groups[1].Value != Path.GetDirectoryName(relative)!.Replace('/', '.'))
                    wrong.Add($"{top}/{relative}: {declared.Groups[1].Value}");
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
