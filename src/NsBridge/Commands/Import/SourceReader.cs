using NsBridge.Base;
using NsBridge.Configuration.Reading;

namespace NsBridge.Commands.Import;

/// <summary>Finds socat commands in command lines and unit files.</summary>
internal static class SourceReader
{
    /// <param name="source">A command line, or the path of a unit file or script.</param>
    /// <exception cref="UserErrorException">It holds no socat, or cannot be read.</exception>
    public static List<SocatCommand> Read(string source)
    {
        // A command line has arguments.
        bool isFile = !source.Contains(' ', StringComparison.Ordinal) || Path.Exists(source);
        List<SocatCommand> commands = isFile ? ReadFile(TextOf(source)) : ReadLine(source, CommandPlace.Unsaid);
        return commands.Count > 0
            ? commands
            : throw new UserErrorException($"there is no socat in '{source}'; give its command line in quotes, or a unit file that holds it", ExitCode.Usage);
    }

    private static string TextOf(string file)
    {
        if (WholeFile.Read(file, out UnreadableFile? fault) is not { } bytes)
        {
            throw fault!.IsMissing
                ? new UserErrorException($"there is no file '{file}'", ExitCode.Usage)
                : new UserErrorException($"{file}: {fault.Message}", fault.IsForbidden ? ExitCode.Privilege : ExitCode.Failed);
        }

        // By what it begins with, as editors tell a text's encoding.
        using var text = new StreamReader(new MemoryStream(bytes));
        return text.ReadToEnd();
    }

    /// <summary>A systemd unit: the commands of ExecStart= in the namespace that the unit names; any other text: every line.</summary>
    internal static List<SocatCommand> ReadFile(string text)
    {
        bool isUnit = text.Split('\n', StringSplitOptions.TrimEntries).Contains("[Service]");
        List<string> lines = WholeLines(text, isUnit);
        if (!isUnit)
            return [.. lines.SelectMany(line => ReadLine(line, CommandPlace.Unsaid))];
        CommandPlace place = UnitPlace.Of(lines);
        // The signs in front say how systemd starts it, not what.
        return [.. lines.Select(line => UnitPlace.ValueOf(line, "ExecStart")).OfType<string>().SelectMany(start => ReadLine(start.TrimStart('@', '-', ':', '+', '!'), place))];
    }

    /// <summary>The lines without comments; one that ends in a backslash goes on in the next. In a unit a comment between them does not end it.</summary>
    private static List<string> WholeLines(string text, bool isUnit)
    {
        var whole = new List<string>();
        bool goesOn = false;
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            if ((isUnit || !goesOn) && line is ['#' or ';', ..])
                continue;
            string part = line.EndsWith('\\') ? line[..^1] : line;
            if (goesOn)
                whole[^1] += $" {part}";
            else
                whole.Add(part);
            goesOn = line.EndsWith('\\');
        }

        return whole;
    }

    private static List<SocatCommand> ReadLine(string line, CommandPlace place)
    {
        var found = new List<SocatCommand>();
        foreach (List<string> words in ShellWords.Split(line))
        {
            if (SocatCommand.TryRead(words, place) is { } command)
            {
                found.Add(command);
                continue;
            }

            int shell = words.FindIndex(word => Path.GetFileName(word) is "sh" or "bash" or "dash");
            int option = shell < 0 ? -1 : words.FindIndex(shell + 1, word => word is ['-', .., 'c'] and not ['-', '-', ..]);
            if (option >= 0 && option + 1 < words.Count)
                found.AddRange(ReadLine(words[option + 1], CommandPlace.Of(words[..shell], place)));
        }

        return found;
    }
}
