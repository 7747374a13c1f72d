using System.Globalization;
using System.Text;

namespace NsBridge.Configuration.Values;

/// <summary>How the operator names a network namespace.</summary>
/// <param name="Text">As the operator wrote it.</param>
/// <param name="Kind">Which of the forms it has.</param>
/// <param name="Value">The name, path, unit or container alone; empty for the host.</param>
/// <param name="Pid">The process of a <see cref="NamespaceKind.Pid"/>; else 0.</param>
internal sealed record NamespaceReference(string Text, NamespaceKind Kind, string Value, int Pid)
{
    private const string Forms = "write NAME (in /run/netns), an absolute path, pid:N, unit:NAME.service, container:NAME or host";

    /// <summary>NAME_MAX in linux/limits.h.</summary>
    private const int LongestName = 255;

    /// <summary>PATH_MAX in linux/limits.h, without its closing zero.</summary>
    private const int LongestPath = 4095;

    public static readonly NamespaceReference Host = new("host", NamespaceKind.Host, "", 0);

    /// <summary>The file that stands for the namespace, where the reference itself tells it (a name, a path or a process); else null.</summary>
    public string? FilePath => Kind switch
    {
        NamespaceKind.Name => $"/run/netns/{Value}",
        NamespaceKind.Path => Value,
        NamespaceKind.Pid => string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/ns/net"),
        _ => null,
    };

    /// <summary>Whether both are known from their text to mean one namespace; two different texts may still do so at run time.</summary>
    public bool SamePlace(NamespaceReference other) => PlaceKey == other.PlaceKey;

    /// <summary>The same text for references that mean one namespace; see <see cref="SamePlace"/>.</summary>
    public string PlaceKey => FilePath is { } path ? Canonical(path) : $"{Kind}:{Value}";

    public override string ToString() => Text;

    public static bool TryParse(string text, out NamespaceReference value, out string fault)
    {
        value = null!;
        fault = "";
        if (text.Length == 0)
            return Fail($"it is empty; {Forms}", out fault);
        foreach (char c in text)
        {
            if (char.IsControl(c) || char.IsWhiteSpace(c))
                return Fail($"it holds a space or a control character; {Forms}", out fault);
        }

        if (text == "host")
        {
            value = Host;
            return true;
        }

        if (text[0] == '/')
        {
            if (text.EndsWith('/'))
                return Fail("a path of a namespace file does not end in '/'", out fault);
            if (!IsNoLongerThan(text, LongestPath) || !text.Split('/').All(name => IsNoLongerThan(name, LongestName)))
                return Fail($"a path is at most {LongestPath} bytes, and each name in it {LongestName}", out fault);
            value = new NamespaceReference(text, NamespaceKind.Path, text, 0);
            return true;
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? TryParseName(text, out value, out fault) : TryParseKind(text, colon, out value, out fault);
    }

    private static bool TryParseName(string text, out NamespaceReference value, out string fault)
    {
        value = null!;
        fault = "";
        if (text is "." or ".." || text.Contains('/', StringComparison.Ordinal))
            return Fail($"a name is one file in /run/netns; {Forms}", out fault);
        if (!IsNoLongerThan(text, LongestName))
            return Fail($"a name is at most {LongestName} bytes", out fault);
        value = new NamespaceReference(text, NamespaceKind.Name, text, 0);
        return true;
    }

    private static bool TryParseKind(string text, int colon, out NamespaceReference value, out string fault)
    {
        value = null!;
        fault = "";
        string rest = text[(colon + 1)..];
        switch (text[..colon])
        {
            case "pid":
                if (!int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) || pid < 1)
                    return Fail("pid: takes the number of a process, such as pid:1234", out fault);
                value = new NamespaceReference(text, NamespaceKind.Pid, rest, pid);
                return true;
            case "unit":
                if (!IsServiceName(rest))
                    return Fail("unit: takes the full name of a service, such as unit:vpn.service or unit:vpn@home.service", out fault);
                value = new NamespaceReference(text, NamespaceKind.Unit, rest, 0);
                return true;
            case "container":
                if (!IsContainerName(rest))
                    return Fail("container: takes a container's name or id ([A-Za-z0-9][A-Za-z0-9_.-]*)", out fault);
                value = new NamespaceReference(text, NamespaceKind.Container, rest, 0);
                return true;
            default:
                return Fail($"'{text[..colon]}:' is not a kind of reference; {Forms}", out fault);
        }
    }

    private static bool IsNoLongerThan(string text, int bytes) => Encoding.UTF8.GetByteCount(text) <= bytes;

    private static bool IsServiceName(string name)
    {
        const string Suffix = ".service";
        if (name.Length is 0 or > 255 || !name.EndsWith(Suffix, StringComparison.Ordinal))
            return false;
        string stem = name[..^Suffix.Length];

        // A template (NAME@.service) is not a unit that runs.
        if (stem.Length == 0 || stem[0] == '@' || stem[^1] == '@')
            return false;
        foreach (char c in stem)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !@":-_.\@".Contains(c, StringComparison.Ordinal))
                return false;
        }

        return true;
    }

    private static bool IsContainerName(string name)
    {
        if (name.Length is 0 or > 255 || !char.IsAsciiLetterOrDigit(name[0]))
            return false;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !"_.-".Contains(c, StringComparison.Ordinal))
                return false;
        }

        return true;
    }

    private static string Canonical(string path)
    {
        string full = Path.GetFullPath(path);
        return full.StartsWith("/var/run/", StringComparison.Ordinal) ? full["/var".Length..] : full;
    }

    private static bool Fail(string text, out string fault)
    {
        fault = text;
        return false;
    }
}

internal enum NamespaceKind
{
    /// <summary>The namespace that the daemon itself runs in.</summary>
    Host,

    /// <summary>A file in <c>/run/netns</c>.</summary>
    Name,

    /// <summary>An absolute path of a namespace file.</summary>
    Path,

    /// <summary>The namespace of a process.</summary>
    Pid,

    /// <summary>The namespace of a systemd service.</summary>
    Unit,

    /// <summary>The namespace of a container.</summary>
    Container,
}
