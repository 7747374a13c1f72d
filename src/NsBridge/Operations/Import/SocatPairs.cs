using System.Globalization;
using System.Net;
using NsBridge.CommandLine;
using NsBridge.Configuration;
using NsBridge.Operations.Discover;

namespace NsBridge.Operations.Import;

/// <summary>Makes bridges of socats: two that meet at a UNIX socket are one bridge, and so is one that runs the other by EXEC.</summary>
internal static class SocatPairs
{
    public static List<BridgeDraft> Join(IReadOnlyList<SocatCommand> commands)
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

    private static BridgeDraft Draft(SocatCommand outer, SocatCommand? mate, HashSet<string> names)
    {
        var listen = ListenOf(outer.From);
        var draft = new BridgeDraft("", listen, null, null, outer.From.IsUdp ? BridgeProtocol.Udp : BridgeProtocol.Tcp)
        {
            ListenNamespace = PlaceOf(outer.From, outer.Namespace),
            AllowFrom = outer.From.Options.GetValueOrDefault("range"),
        };
        if (mate is null && outer.To.IsUnixConnector)
            return draft with { Name = NameOf(Path.GetFileNameWithoutExtension(outer.To.Parameters[0]), names), Socket = outer.To.Parameters[0] };
        var (place, to) = mate is not null ? (mate.Namespace, mate.To) : (outer.Namespace, outer.To);
        if (to.IsCommand)
            (place, to) = Nested(to.Parameters[0], place);
        place = PlaceOf(to, place) ?? "host";
        return draft with { Name = NameOf(place, names), Namespace = place, Target = TargetOf(to) };
    }

    private static BridgeDraft Half(SocatCommand half, HashSet<string> names)
    {
        var path = half.From.Parameters[0];
        var place = PlaceOf(half.To, half.Namespace) ?? "host";
        return new BridgeDraft(NameOf(Path.GetFileNameWithoutExtension(path), names), null, place, TargetOf(half.To), Socket: path)
        {
            SocketMode = half.From.Options.GetValueOrDefault("mode") is { } mode ? mode.PadLeft(4, '0') : null,
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
                return (SocatCommand.NamespaceOf(words[..netcat]) ?? around, SocatAddress.Parse($"TCP:{words[^2]}:{words[^1]}"));
        }

        throw new UserFault($"what '{line}' leads to cannot be told; it runs neither socat nor nc", ExitCode.Usage);
    }

    private static string? PlaceOf(SocatAddress address, string? around) => address.Options.GetValueOrDefault("netns") ?? around;

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
