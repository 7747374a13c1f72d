using NsBridge.Testing;

namespace NsBridge.ArchitectureTests;

/// <summary>A file that names a type or an extension method of another file.</summary>
internal sealed record Reference(SourceFile From, SourceFile To, string Name);

/// <summary>The files of a source root and which of them name which types.</summary>
internal sealed class SourceTree
{
    /// <summary>After these words an identifier may be a type; after any other word it is a name that is being declared.</summary>
    private static readonly HashSet<string> s_beforeType =
    [
        .. """
        return new is as in out ref typeof case when await throw else public private internal protected static readonly sealed
        abstract override virtual const async params this where not and or required partial using yield event extern unsafe fixed
        stackalloc scoped switch operator implicit explicit volatile default sizeof lock do try finally checked unchecked if while
        for foreach catch nameof with base get set init add remove namespace class struct interface enum record delegate global
        """.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries),
    ];

    private readonly Dictionary<string, List<SourceFile>> _owners = [];
    private readonly Dictionary<string, SourceFile> _extensions = [];

    internal SourceTree(IEnumerable<SourceFile> files)
    {
        Files = [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)];
        foreach (SourceFile file in Files)
        {
            foreach (string type in file.Types)
            {
                List<SourceFile> owners = _owners.TryGetValue(type, out List<SourceFile>? known) ? known : _owners[type] = [];
                // Parts of one partial type are one owner.
                if (!owners.Any(owner => owner.Namespace == file.Namespace))
                    owners.Add(file);
            }
            foreach (string method in file.Extensions)
                _extensions.TryAdd(method, file);
        }
        References = [.. Files.SelectMany(NamedBy)];
    }

    internal static SourceTree Product { get; } = new(Read("src"));

    internal IReadOnlyList<SourceFile> Files { get; }

    internal IReadOnlyList<Reference> References { get; }

    internal static IEnumerable<SourceFile> Read(string top)
    {
        string root = Path.Combine(Repository.Root, top);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, file))
            .Where(file => !file.Split('/').Any(part => part is "bin" or "obj"))
            .Select(file => new SourceFile(file, File.ReadAllText(Path.Combine(root, file))));
    }

    /// <summary>Which folder names types of which: <c>from -> to</c>, with the files and names.</summary>
    internal ILookup<string, string> Edges(int depth) =>
        References.Where(reference => reference.From.Folder(depth) != reference.To.Folder(depth))
        .ToLookup(reference => $"{reference.From.Folder(depth)} -> {reference.To.Folder(depth)}", reference =>
            $"{reference.From.Path}: {reference.Name}");

    /// <summary>Circles among folders, each as its sorted members.</summary>
    internal IReadOnlyList<IReadOnlyList<string>> FolderCircles(int depth) =>
        Circles.Of(References.Select(reference => (reference.From.Folder(depth), reference.To.Folder(depth))));

    /// <summary>Circles among the main types of files with more members than <paramref name="limit"/>.</summary>
    internal IReadOnlyList<IReadOnlyList<string>> TypeCircles(int limit) =>
        [.. Circles.Of(References.Select(reference => (Node(reference.From), Node(reference.To)))).Where(circle => circle.Count > limit)];

    private static string Node(SourceFile file) => file.Types.Order(StringComparer.Ordinal).FirstOrDefault() ?? file.Path;

    private IEnumerable<Reference> NamedBy(SourceFile file)
    {
        var found = new HashSet<Reference>();
        for (int at = 0; at < file.Tokens.Length; at++)
        {
            string token = file.Tokens[at];
            string before = at > 0 ? file.Tokens[at - 1] : "";
            string after = at + 1 < file.Tokens.Length ? file.Tokens[at + 1] : "";
            if (before is "." or "?." && after is "(" or "<" && _extensions.TryGetValue(token, out SourceFile? extension))
                found.Add(new Reference(file, extension, $".{token}()"));
            if (before == "[" && Visible(file, token).Count == 0)
                token += "Attribute";
            IReadOnlyList<SourceFile> owners = file.Types.Contains(token) ? [] : Visible(file, token);
            if (owners.Count > 0 && IsType(file.Tokens, at, owners))
                found.UnionWith(owners.Select(owner => new Reference(file, owner, token)));
        }
        return found.Where(reference => reference.To != file);
    }

    /// <summary>The nearest enclosing namespace wins, then every namespace that a using brings in.</summary>
    private IReadOnlyList<SourceFile> Visible(SourceFile file, string type)
    {
        if (!_owners.TryGetValue(type, out List<SourceFile>? owners))
            return [];
        SourceFile? near = owners.Where(owner => file.Encloses(owner.Namespace)).MaxBy(owner => owner.Namespace.Length);
        return near is null ? [.. owners.Where(owner => file.Sees(owner.Namespace))] : [near];
    }

    /// <summary>Leaves out members, declared names, initialisers, named arguments and methods of a type's name.</summary>
    private static bool IsType(string[] tokens, int at, IReadOnlyList<SourceFile> owners)
    {
        string Token(int offset) => at + offset >= 0 && at + offset < tokens.Length ? tokens[at + offset] : "";
        string before = Token(-1), after = Token(1);
        bool isWord = before.Length > 0 && (char.IsAsciiLetter(before[0]) || before[0] == '_');
        return before switch
        {
            "." or "?." or "::" => owners.Any(owner => owner.Namespace.Split('.')[^1] == Token(-2)),
            _ when isWord && !s_beforeType.Contains(before) => false,
            ">" or "*" when after is "{" or "=" or ";" or "," or ")" or "=>" or "(" => false,
            "]" when after is "{" or "=" or ";" or "," or ")" or "=>" => false,
            "?" when after is "{" or "=" or ";" or "=>" => false,
            "{" or "," when after == "=" && Token(2) != "=" => false,
            "{" or "," or "(" when after == ":" && Token(2) != ":" => false,
            _ => after != "(" || before is "new" or "[" or ":" or "," or "is" or "case" or "and" or "or" or "not" or "=>",
        };
    }
}
