using System.Globalization;

namespace NsBridge.Commands.Import;

/// <summary>The options of an <c>nsenter</c>, read as that of util-linux reads them.</summary>
/// <param name="Network">The namespace file, or <c>pid:N</c>; null where it enters no network.</param>
/// <param name="Length">How many words they are.</param>
internal sealed record NsenterCall(string? Network, int Length)
{
    /// <returns>Null where the network that it enters cannot be told, or it would not run.</returns>
    public static NsenterCall? Read(List<string> words)
    {
        string? process = null, file = null;
        bool entersNetwork = false;
        int at = 0;
        while (at < words.Count && words[at] is ['-', _, ..] word)
        {
            at++;
            if (word == "--")
                break;
            if (!(word[1] == '-' ? TakeLong(word[2..]) : TakeLetters(word[1..])))
                return null;
        }

        bool needsProcess = process is not null || (entersNetwork && file is null);
        if (needsProcess && !int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            return null;
        return new NsenterCall(file ?? (entersNetwork ? $"pid:{process}" : null), at);

        bool TakeLong(string option)
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            char letter = (equals < 0 ? option : option[..equals]) switch
            {
                "all" => 'a',
                "target" => 't',
                "net" => 'n',
                "mount" or "uts" or "ipc" or "pid" or "cgroup" or "user" or "time" or "root" or "wd" => 'm',
                "setuid" or "setgid" or "wdns" => 'S',
                "preserve-credentials" or "no-fork" or "follow-context" => 'F',
                _ => '?',
            };
            return Take(letter, equals < 0 ? null : option[(equals + 1)..]);
        }

        // What is behind a letter that takes a value is its value, wanted or not: -mn is the mount namespace of a file called n.
        bool TakeLetters(string letters)
        {
            while (letters is ['a' or 'F' or 'Z', ..])
            {
                Take(letters[0], null);
                letters = letters[1..];
            }

            return letters.Length == 0 || Take(letters[0], letters.Length > 1 ? letters[1..] : null);
        }

        bool Take(char letter, string? value)
        {
            switch (letter)
            {
                case 'a':
                    entersNetwork = true;
                    return value is null;
                case 'F' or 'Z':
                    return value is null;
                case 't':
                    process = value ?? Next();
                    return process is not null;
                case 'S' or 'G' or 'W':
                    return (value ?? Next()) is not null;
                case 'n':
                    entersNetwork = true;
                    file = value ?? file;
                    return IsPathOrNone(value);
                case 'm' or 'u' or 'i' or 'p' or 'C' or 'U' or 'T' or 'r' or 'w':
                    return IsPathOrNone(value);
                default:
                    return false;
            }
        }

        string? Next() => at < words.Count ? words[at++] : null;
    }

    /// <summary>What a path that is not absolute leads to depends on where the command is started.</summary>
    private static bool IsPathOrNone(string? value) => value is null or ['/', ..];
}
