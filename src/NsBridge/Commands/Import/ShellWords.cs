using System.Text;

namespace NsBridge.Commands.Import;

/// <summary>Splits a command line as a shell does, as far as quotes and separators go; nothing is expanded.</summary>
internal static class ShellWords
{
    /// <summary>The commands of a line, each as its words: <c>a 'b c' &amp; d</c> gives <c>[a, b c]</c> and <c>[d]</c>.</summary>
    public static List<List<string>> Split(string line)
    {
        var commands = new List<List<string>> { new() };
        var word = new StringBuilder();
        bool inWord = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            switch (c)
            {
                case '\'' or '"':
                    inWord = true;
                    i = ReadQuoted(line, i, word);
                    break;
                case '\\' when i + 1 < line.Length:
                    inWord = true;
                    word.Append(line[++i]);
                    break;
                case ';' or '&' or '|' or '\n':
                    End();
                    commands.Add([]);
                    break;
                case ' ' or '\t' or '\r':
                    End();
                    break;
                default:
                    inWord = true;
                    word.Append(c);
                    break;
            }
        }

        End();
        commands.RemoveAll(command => command.Count == 0);
        return commands;

        void End()
        {
            if (inWord)
                commands[^1].Add(word.ToString());
            word.Clear();
            inWord = false;
        }
    }

    /// <returns>Where the closing quote is.</returns>
    private static int ReadQuoted(string line, int open, StringBuilder word)
    {
        char quote = line[open];
        for (int i = open + 1; i < line.Length; i++)
        {
            if (line[i] == quote)
                return i;
            if (line[i] == '\\' && quote == '"' && i + 1 < line.Length)
                i++;
            word.Append(line[i]);
        }

        return line.Length;
    }
}
