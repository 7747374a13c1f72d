using NsBridge.CommandLine;
using NsBridge.Configuration.Sources;

namespace NsBridge.Operations.Import;

/// <summary>Finds socat commands in command lines and unit files.</summary>
internal static class SourceReader
{
    /// <param name="source">A command line, or the path of a unit file or script.</param>
    /// <exception cref="UserFault">It holds no socat, or cannot be read.</exception>
    public static List<SocatCommand> Read(string source)
    {
        // A command line has arguments.
        var isFile = !source.Contains(' ', StringComparison.Ordinal) || Path.Exists(source);
        var commands = isFile ? ReadFile(TextOf(source)) : ReadLine(source, null);
        return commands.Count > 0
            ? commands
            : throw new UserFault($"there is no socat in '{source}'; give its command line in quotes, or a unit file that holds it", ExitCode.Usage);
    }

    private static string TextOf(string file)
    {
        if (WholeFile.Read(file, out var fault) is not { } bytes)
        {
            throw fault!.IsMissing
                ? new UserFault($"there is no file '{file}'", ExitCode.Usage)
                : new UserFault($"{file}: {fault.Message}", fault.IsForbidden ? ExitCode.Privilege : ExitCode.Failed);
        }

        // By what it begins with, as editors tell a text's encoding.
        using var text = new StreamReader(new MemoryStream(bytes));
        return text.ReadToEnd();
    }

    /// <summary>A systemd unit: the commands of ExecStart= in the namespace that the unit names; any other text: every line.</summary>
    internal static List<SocatCommand> ReadFile(string text)
    {
        var lines = text.Replace("\\\r\n", " ", StringComparison.Ordinal).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n', StringSplitOptions.TrimEntries);
        string? place = null;
        var starts = new List<string>();
        var isUnit = lines.Contains("[Service]");
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] is not ('#' or ';')))
        {
            if (!isUnit)
                starts.Add(line);
            else if (ValueOf(line, "NetworkNamespacePath") is { Length: > 0 } path)
                place = SocatCommand.Shortened(path);
            else if (ValueOf(line, "JoinsNamespaceOf") is { Length: > 0 } unit)
                place = $"unit:{unit}";
            else if (ValueOf(line, "ExecStart") is { } start)
                // These say how systemd starts it, not what.
                starts.Add(start.TrimStart('@', '-', ':', '+', '!'));
        }

        return [.. starts.SelectMany(start => ReadLine(start, place))];
    }

    private static string? ValueOf(string line, string key) =>
        line.StartsWith(key, StringComparison.Ordinal) && line[key.Length..].TrimStart() is ['=', .. var value] ? value.Trim() : null;

    private static List<SocatCommand> ReadLine(string line, string? place)
    {
        var found = new List<SocatCommand>();
        foreach (var words in ShellWords.Split(line))
        {
            if (SocatCommand.TryRead(words, place) is { } command)
                found.Add(command);
            else if (words is [var shell, .., "-c", var inner] && Path.GetFileName(shell) is "sh" or "bash" or "dash")
                found.AddRange(ReadLine(inner, SocatCommand.NamespaceOf(words) ?? place));
        }

        return found;
    }
}
