using System.Globalization;
using System.Net;
using NsBridge.CommandLine;
using NsBridge.Configuration;
using NsBridge.Operations.Discover;

namespace NsBridge.Operations.Import;

/// <summary>Makes bridges of socats: two that meet at a UNIX socket are one bridge, and so is one that runs the other by EXEC.</summary>
/// <param name="place">The namespace of targets whose commands name none; null refuses those.</param>
/// <param name="notes">Takes what does not become part of an entry, a line each.</param>
internal sealed class SocatPairs(string? place, List<string> notes)
{
    private readonly SocatOptions _options = new(notes);

    /// <exception cref="UserFault">Something cannot be turned into a bridge, or it is not said where a target is.</exception>
    public List<BridgeDraft> Join(IReadOnlyList<SocatCommand> commands)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var inner = commands.Where(command => command.From.IsUnixListener).ToList();
        var drafts = new List<BridgeDraft>();
        foreach (var outer in commands.Where(command => !command.From.IsUnixListener))
        {
            if (!outer.From.IsListener)
                throw Unknown(outer.From);
            var mate = outer.To.IsUnixConnector ? inner.Find(command => command.From.Parameters[0] == outer.To.Parameters[0]) : null;
            if (mate is not null)
                inner.Remove(mate);
            drafts.Add(Draft(outer, mate, names));
        }

        drafts.AddRange(inner.Select(half => Half(half, names)));
        return drafts;
    }

    private BridgeDraft Draft(SocatCommand outer, SocatCommand? mate, HashSet<string> names)
    {
        var listen = ListenOf(outer.From);
        _options.TellRest(outer.From, "bind", "range", "max-children");
        var draft = new BridgeDraft("", listen, null, null, outer.From.IsUdp ? BridgeProtocol.Udp : BridgeProtocol.Tcp)
        {
            ListenNamespace = PlaceOf(outer.From, outer.Namespace),
            AllowFrom = SocatOptions.AllowFrom(outer.From),
            MaxConnections = SocatOptions.MaxConnections(outer.From),
        };
        _options.TellRest(outer.To);
        if (mate is null && outer.To.IsUnixConnector && outer.From.IsUdp)
            throw new UserFault($"{outer.From.Keyword} leads to {outer.To.Parameters[0]}, and of datagrams both ends must be known: give the command that listens there too", ExitCode.Usage);
        if (mate is null && outer.To.IsUnixConnector)
            return draft with { Name = NameOf(Path.GetFileNameWithoutExtension(outer.To.Parameters[0]), names), Socket = outer.To.Parameters[0] };
        if (mate is not null)
        {
            draft = WithSocket(draft, mate.From);
            _options.TellRest(mate.To);
        }

        var (around, to) = mate is not null ? (mate.Namespace, mate.To) : (outer.Namespace, outer.To);
        if (to.IsCommand)
        {
            (around, to) = Nested(to.Parameters[0], around);
            _options.TellRest(to);
        }

        var target = TargetOf(to);
        if (to.IsUdp != outer.From.IsUdp)
            throw new UserFault($"{outer.From.Keyword} cannot become a bridge to {to.Keyword}: a bridge has one protocol, and makes no datagrams of a stream nor a stream of datagrams", ExitCode.Usage);
        var inside = TargetPlace(to, around);
        return draft with { Name = NameOf(inside, names), Namespace = inside, Target = target };
    }

    private BridgeDraft Half(SocatCommand half, HashSet<string> names)
    {
        var path = half.From.Parameters[0];
        var to = half.To;
        if (to.IsUdp)
            throw new UserFault($"{half.From.Keyword}:{path} cannot become a bridge to {to.Keyword}: whoever connects there speaks a stream, which a bridge does not turn into datagrams; of a pair for UDP, give the command with UDP-LISTEN too", ExitCode.Usage);
        var inside = TargetPlace(to, half.Namespace);
        _options.TellRest(to);
        return WithSocket(new BridgeDraft(NameOf(Path.GetFileNameWithoutExtension(path), names), null, inside, TargetOf(to), Socket: path), half.From);
    }

    private BridgeDraft WithSocket(BridgeDraft draft, SocatAddress socket)
    {
        _options.TellRest(socket, "mode", "perm", "group", "gid", "max-children");
        return draft with
        {
            SocketMode = SocatOptions.SocketMode(socket),
            SocketGroup = SocatOptions.SocketGroup(socket),
            MaxConnections = draft.MaxConnections ?? SocatOptions.MaxConnections(socket),
        };
    }

    /// <summary>The command of <c>EXEC:'ip netns exec vpn socat STDIO TCP:127.0.0.1:80'</c>, or one of netcat's.</summary>
    private static (string? Place, SocatAddress To) Nested(string line, string? around)
    {
        foreach (var words in ShellWords.Split(line))
        {
            if (SocatCommand.TryRead(words, around) is { } command)
                return (command.Namespace, command.From.IsStandardInput ? command.To : command.From);
            var netcat = words.FindIndex(word => Path.GetFileName(word) is "nc" or "ncat" or "netcat");
            if (netcat >= 0 && words.Count >= netcat + 3)
                return (SocatCommand.NamespaceOf(words[..netcat]) ?? around, SocatAddress.Parse($"{(words[(netcat + 1)..^2].Exists(IsUdpOfNetcat) ? "UDP" : "TCP")}:{words[^2]}:{words[^1]}"));
        }

        throw new UserFault($"what '{line}' leads to cannot be told; it runs neither socat nor nc", ExitCode.Usage);
    }

    /// <summary>Whether the word is <c>-u</c>, alone or among other letters, or ncat's <c>--udp</c>.</summary>
    private static bool IsUdpOfNetcat(string word) => word == "--udp" || (word is ['-', not '-', ..] && word.Contains('u', StringComparison.Ordinal));

    private static string? PlaceOf(SocatAddress address, string? around) => address.Options.GetValueOrDefault("netns") ?? around;

    /// <summary>Where a command that names no namespace runs is decided by who starts it: what is not said is not taken for the host's.</summary>
    private string TargetPlace(SocatAddress to, string? around) => PlaceOf(to, around) ?? place ?? throw new UserFault(
        $"the network namespace in which socat connects to {to.Keyword}:{string.Join(':', to.Parameters)} is not said; write the command as it is started there "
            + "('ip netns exec NAME socat …'), or give --namespace NAME, which for the host's own network is --namespace host",
        ExitCode.Usage);

    private static string ListenOf(SocatAddress address)
    {
        var port = PortOf(address, 0);
        var bind = address.Options.GetValueOrDefault("bind") ?? (address.Keyword.Contains('6', StringComparison.Ordinal) ? "::" : "0.0.0.0");
        return new IPEndPoint(AddressOf(bind == "localhost" ? "127.0.0.1" : bind), port).ToString();
    }

    private static string TargetOf(SocatAddress address)
    {
        if (address.IsUnixConnector)
            return $"unix:{address.Parameters[0]}";
        if (address.IsAbstractConnector)
            return $"unix:@{address.Parameters[0]}";
        if (!address.IsConnector || address.Parameters.Count != 2)
            throw Unknown(address);
        var port = PortOf(address, 1);
        return address.Parameters[0] == "localhost"
            ? string.Create(CultureInfo.InvariantCulture, $"localhost:{port}")
            : new IPEndPoint(AddressOf(address.Parameters[0]), port).ToString();
    }

    private static int PortOf(SocatAddress address, int index) =>
        index < address.Parameters.Count && ushort.TryParse(address.Parameters[index], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? port
            : throw new UserFault($"{address.Keyword}: the port must be a number; names of services are not looked up", ExitCode.Usage);

    private static IPAddress AddressOf(string text) => IPAddress.TryParse(text.Trim('[', ']'), out var address)
        ? address
        : throw new UserFault($"'{text}' is a name, and names are not looked up: the question would leak out of the namespace; put its address there", ExitCode.Usage);

    private static string NameOf(string text, HashSet<string> names) => BridgeDraft.NameFrom(text[(text.LastIndexOfAny([':', '/']) + 1)..], names);

    private static UserFault Unknown(SocatAddress address) =>
        new($"socat's {address.Keyword} cannot be turned into a bridge; TCP, UDP and UNIX sockets can, and EXEC of another socat", ExitCode.Usage);
}
