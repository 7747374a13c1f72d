using NsBridge.Base;
using NsBridge.Configuration.Reading;

namespace NsBridge.Commands.Import;

/// <summary>A line with its continuation lines, and where it stands.</summary>
internal sealed record SourceLine(string Origin, string Text);

/// <summary>A socat or systemd-socket-proxyd, and where it runs.</summary>
internal sealed record FoundCommand(string Origin, NetworkPlace Place, string Program, List<string> Arguments);

/// <summary>One argument of <c>nsbridge import</c>: a command line, or a script or systemd unit with its name without the folder.</summary>
internal sealed record ImportSource(string Name, IReadOnlyList<SourceLine> Lines)
{
    public bool IsSocketUnit => Lines.Any(line => line.Text == "[Socket]");

    /// <exception cref="UserErrorException">The file cannot be read.</exception>
    public static ImportSource Read(string argument)
    {
        // A command line has arguments.
        if (argument.Contains(' ', StringComparison.Ordinal) && !Path.Exists(argument))
            return new ImportSource(argument, [new SourceLine($"'{argument}'", argument)]);
        if (WholeFile.Read(argument, out UnreadableFile? fault) is not { } bytes)
        {
            throw fault!.IsMissing
                ? new UserErrorException($"there is no file '{argument}'", ExitCode.Usage)
                : new UserErrorException($"{argument}: {fault.Message}", fault.IsForbidden ? ExitCode.Privilege : ExitCode.Failed);
        }
        using var text = new StreamReader(new MemoryStream(bytes));
        return OfText(Path.GetFileName(argument), text.ReadToEnd());
    }

    /// <summary>A comment between a line and its continuation does not end the line (systemd.syntax(7)).</summary>
    public static ImportSource OfText(string name, string text)
    {
        var lines = new List<SourceLine>();
        bool continues = false;
        foreach ((int index, string line) in text.Split('\n', StringSplitOptions.TrimEntries).Index())
        {
            if (line is ['#' or ';', ..])
                continue;
            string part = line.EndsWith('\\') ? line[..^1] : line;
            if (continues)
                lines[^1] = lines[^1] with { Text = $"{lines[^1].Text} {part}" };
            else
                lines.Add(new SourceLine($"{name} line {index + 1}", part));
            continues = line.EndsWith('\\');
        }
        return new ImportSource(name, lines);
    }

    /// <summary>The values of a unit's key. An empty one takes back those before it.</summary>
    public List<SourceLine> Values(string key)
    {
        var values = Lines.Where(line => line.Text.Split('=', 2) is [var name, _] && name.TrimEnd() == key)
            .Select(line => line with { Text = line.Text.Split('=', 2)[1].Trim() }).ToList();
        return values[(values.FindLastIndex(line => line.Text.Length == 0) + 1)..];
    }

    public string? Value(string key) => Values(key) is [.., var last] ? last.Text.Trim('"') : null;

    public List<FoundCommand> Commands() => Lines.Any(line => line.Text == "[Service]")
        // The signs in front of the program say how systemd starts it.
        ? [.. Values("ExecStart")
            .SelectMany(line => Find(line.Origin, line.Text.TrimStart('@', '-', ':', '+', '!'), NetworkPlace.OfUnit(this)))]
        : [.. Lines.SelectMany(line => Find(line.Origin, line.Text, NetworkPlace.Unnamed))];

    /// <summary>The commands of a line that runs <paramref name="around"/>.</summary>
    public static List<FoundCommand> Find(string origin, string line, NetworkPlace around)
    {
        var found = new List<FoundCommand>();
        foreach (List<string> words in Split(line))
        {
            int at = words.FindIndex(word => Path.GetFileName(word) is "socat" or "systemd-socket-proxyd");
            if (at >= 0)
                found.Add(new(origin, NetworkPlace.Behind(words[..at], around), Path.GetFileName(words[at]), words[(at + 1)..]));
            else if (words is [.., "-c", var script] && Path.GetFileName(words[^3]) is "sh" or "bash")
                found.AddRange(Find(origin, script, NetworkPlace.Behind(words[..^3], around)));
        }
        return found;
    }

    /// <summary>Each command as its words: <c>a 'b c' &amp; d</c> gives <c>[a, b c]</c> and <c>[d]</c>. Nothing is expanded.</summary>
    private static List<List<string>> Split(string line)
    {
        var commands = new List<List<string>> { new() };
        string? word = null;
        char quote = '\0';
        foreach (char c in $"{line}\n")
        {
            if (quote == '\0' && c is ' ' or '\t' or ';' or '&' or '|' or '\n')
            {
                if (word is not null)
                    commands[^1].Add(word);
                if (c is ';' or '&' or '|')
                    commands.Add([]);
                word = null;
            }
            else if (quote == '\0' ? c is '\'' or '"' : c == quote)
            {
                quote = quote == '\0' ? c : '\0';
                word ??= "";
            }
            else
            {
                word += c;
            }
        }
        return commands;
    }
}
