using System.Globalization;
using System.Text;

namespace NsBridge.Configuration.Values;

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
    /// <summary>The namespace of a container of an engine: Docker, Podman.</summary>
    Container,
    /// <summary>The namespace of a container that is registered with systemd-machined.</summary>
    Machine,
}

/// <summary>How the operator names a network namespace.</summary>
/// <param name="Text">As the operator wrote it.</param>
/// <param name="Kind">Which of the forms it has.</param>
/// <param name="Value">The name, path, unit, container or machine alone; empty for the host.</param>
/// <param name="Pid">The process of a <see cref="NamespaceKind.Pid"/>; else 0.</param>
internal sealed record NamespaceReference(string Text, NamespaceKind Kind, string Value, int Pid)
{
    private const string Forms =
        "write NAME (in /run/netns), an absolute path, pid:N, unit:NAME.service, container:NAME, machine:NAME or host";
    private const string Suffix = ".service";
    /// <summary>NAME_MAX in linux/limits.h.</summary>
    private const int LongestName = 255;
    /// <summary>HOST_NAME_MAX in linux/limits.h.</summary>
    private const int LongestMachine = 64;
    /// <summary>PATH_MAX in linux/limits.h, without its closing zero.</summary>
    private const int LongestPath = 4095;
    public static readonly NamespaceReference Host = new("host", NamespaceKind.Host, "", 0);

    /// <summary>The namespace's file, if the reference itself gives it (a name, a path or a process); else null.</summary>
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
        (value, fault) = (Host, "");
        if (text == Host.Text)
            return true;
        if (text.Length == 0)
            return Refuse.With($"it is empty; {Forms}", out fault);
        if (text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            return Refuse.With($"it holds a space or a control character; {Forms}", out fault);
        int colon = text[0] == '/' ? -1 : text.IndexOf(':', StringComparison.Ordinal);
        string rest = text[(colon + 1)..];
        int pid = 0;
        (NamespaceKind kind, string? wrong) = (colon < 0 ? null : text[..colon]) switch
        {
            null when text[0] == '/' => (NamespaceKind.Path, FaultOfPath(text)),
            null => (NamespaceKind.Name, FaultOfName(text)),
            "pid" => (NamespaceKind.Pid, int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out pid) && pid > 0
                ? null
                : "pid: takes the number of a process, such as pid:1234"),
            "unit" => (NamespaceKind.Unit, IsServiceName(rest)
                ? null
                : "unit: takes the full name of a service, such as unit:vpn.service or unit:vpn@home.service"),
            "container" => (NamespaceKind.Container, IsContainerName(rest)
                ? null
                : "container: takes a container's name or id ([A-Za-z0-9][A-Za-z0-9_.-]*)"),
            "machine" => (NamespaceKind.Machine, IsContainerName(rest) && rest.Length <= LongestMachine
                ? null
                : $"machine: takes a name that machinectl lists ([A-Za-z0-9][A-Za-z0-9_.-]*, at most {LongestMachine} characters)"),
            string other => (NamespaceKind.Name, $"'{other}:' is not a kind of reference; {Forms}"),
        };
        value = new NamespaceReference(text, kind, rest, pid);
        return wrong is null || Refuse.With(wrong, out fault);
    }

    private static string? FaultOfPath(string path) => path.EndsWith('/') ? "a path of a namespace file does not end in '/'"
        : IsLonger(path, LongestPath) || path.Split('/').Any(name => IsLonger(name, LongestName))
            ? $"a path is at most {LongestPath} bytes, and each name in it {LongestName}"
        : null;

    private static string? FaultOfName(string name) =>
        name is "." or ".." || name.Contains('/', StringComparison.Ordinal) ? $"a name is one file in /run/netns; {Forms}"
        : IsLonger(name, LongestName) ? $"a name is at most {LongestName} bytes"
        : null;

    private static bool IsLonger(string text, int bytes) => Encoding.UTF8.GetByteCount(text) > bytes;

    /// <summary>A template (<c>NAME@.service</c>) is not a unit that runs.</summary>
    private static bool IsServiceName(string name) =>
        name.Length > Suffix.Length && name.Length <= LongestName && name.EndsWith(Suffix, StringComparison.Ordinal)
        && name[0] != '@' && name[^(Suffix.Length + 1)] != '@'
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_' or '.' or '\\' or '@');

    private static bool IsContainerName(string name) => name.Length is > 0 and <= LongestName && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static string Canonical(string path)
    {
        string full = Path.GetFullPath(path);
        return full.StartsWith("/var/run/", StringComparison.Ordinal) ? full["/var".Length..] : full;
    }
}
