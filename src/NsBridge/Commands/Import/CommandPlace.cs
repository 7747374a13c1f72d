namespace NsBridge.Commands.Import;

/// <summary>The network namespace that a command runs in, as far as the words in front of it tell.</summary>
/// <param name="Namespace">As a configuration names it; null where they name none.</param>
/// <param name="Unread">What decides about the network without telling which one it is; null where nothing does.</param>
internal sealed record CommandPlace(string? Namespace, string? Unread)
{
    /// <summary>That of whoever starts the command.</summary>
    public static readonly CommandPlace Unsaid = new(null, null);

    /// <summary>Where a command runs behind <paramref name="words"/>, such as <c>sudo ip netns exec vpn</c> or <c>nsenter -t PID -n</c>.</summary>
    /// <param name="words">All that stands in front of the command.</param>
    /// <param name="around">Where they themselves are.</param>
    public static CommandPlace Of(List<string> words, CommandPlace around)
    {
        CommandPlace place = around;
        // Another network may have other files too: what leads on from where it cannot be told is not followed.
        for (int i = 0; i < words.Count && place.Unread is null;)
        {
            string program = Path.GetFileName(words[i]);
            if (program == "ip" && words[i..] is [_, "netns" or "net", "exec" or "exe" or "ex" or "e", var name, ..])
            {
                place = Named(name);
                i += 4;
            }
            else if (program == "nsenter" && NsenterCall.Read(words[(i + 1)..]) is { } call)
            {
                place = call.Network is null ? place : Named(call.Network);
                i += 1 + call.Length;
            }
            else if (OptionsOfPlain(program) is { } valued)
            {
                i = AfterOptions(words, i + 1, valued);
            }
            else if (IsAssignment(words[i]) || words[i] is [>= '0' and <= '9', ..])
            {
                // The number is a program's above: a time, a priority, a mask.
                i++;
            }
            else
            {
                place = new CommandPlace(null, string.Join(' ', words[i..]));
            }
        }

        return place;
    }

    /// <summary>The place that <paramref name="text"/> names: a name in <c>/run/netns</c> or a file, or what a configuration would say.</summary>
    public static CommandPlace Named(string text)
    {
        // The shell, and systemd of a '%', put something else there.
        if (text.AsSpan().ContainsAny("$`%"))
            return new CommandPlace(null, text);
        string? folder = Path.GetDirectoryName(text);
        return new CommandPlace(folder is "/run/netns" or "/var/run/netns" ? Path.GetFileName(text) : text, null);
    }

    /// <summary>Of a program, or word of the shell, that leaves the network as it is: the letters of its options that take a value; null for any other.</summary>
    private static string? OptionsOfPlain(string program) => program switch
    {
        "sudo" => "ugCDRhprtTU",
        "runuser" => "ugGs",
        "doas" or "env" => "uC",
        "nice" => "n",
        "ionice" => "cnpPu",
        "chrt" => "TPD",
        "timeout" => "ks",
        "stdbuf" => "ioe",
        "systemd-cat" => "tp",
        "time" => "fo",
        "exec" => "a",
        "setpriv" or "taskset" or "nohup" or "setsid" or "command" or "do" or "then" or "else" or "if" or "while" or "until" or "!" or "{" => "",
        _ => null,
    };

    private static int AfterOptions(List<string> words, int at, string valued)
    {
        while (at < words.Count && words[at] is ['-', _, ..] option)
        {
            at++;
            // Letters may stand together; a value is what is left behind its letter, or else the next word.
            if (option[1] != '-' && option.AsSpan(1).IndexOfAny(valued) == option.Length - 2)
                at++;
        }

        return at;
    }

    private static bool IsAssignment(string word)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && word[..equals].All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
    }
}
