using System.Globalization;
using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <summary>Makes one bridge of two socats that meet at a UNIX socket, of one that runs the other by EXEC, and of a .socket with its
/// .service.</summary>
/// <param name="targetNamespace">Where a target is if nothing around its command names a namespace; null refuses such a command.</param>
internal sealed class BridgeMaker(string? targetNamespace)
{
    /// <summary>Options and keys that a bridge has no key for because it behaves so, and those that are read elsewhere.</summary>
    private static readonly HashSet<string> s_implied =
    [
        "fork", "nofork", "reuseaddr", "reuseport", "unlink", "unlink-early", "keepalive", "nodelay", "tcp-nodelay", "pipes", "netns",
        "ListenStream", "Service", "SocketMode", "SocketGroup", "BindIPv6Only", "NetworkNamespacePath", "PrivateNetwork",
        "Accept", "Backlog", "KeepAlive", "NoDelay", "ReusePort", "RemoveOnStop", "DirectoryMode",
    ];

    private readonly List<string> _notes = [];

    /// <summary>What does not become part of an entry, a line each.</summary>
    public IEnumerable<string> Notes => _notes.Distinct();

    public static UserErrorException Refused(string origin, string reason) => new($"{origin}: {reason}", ExitCode.Usage);

    /// <exception cref="UserErrorException">A command cannot become a bridge, or nothing names the namespace of a target.</exception>
    public List<BridgeDraft> Make(IReadOnlyList<ImportSource> sources)
    {
        var drafts = new List<BridgeDraft>();
        var socats = new List<SocatCommand>();
        var sockets = sources.Where(source => source.IsSocketUnit).ToList();
        foreach (ImportSource source in sources.Except(sockets).ToList())
        {
            List<FoundCommand> commands = source.Commands();
            if (commands.Count == 0)
                throw Refused(source.Name, "it has no socat and no systemd-socket-proxyd; give a command line in quotes, or a unit file");
            socats.AddRange(commands.Where(command => command.Program == "socat").Select(SocatCommand.Parse));
            drafts.AddRange(commands.Where(command => command.Program != "socat").Select(command => OfProxy(source, command, sockets)));
        }
        if (sockets is [var socket, ..])
            throw Refused(socket.Name, $"the systemd-socket-proxyd behind it is missing; give {ServiceOf(socket)} too");

        var servers = socats.Where(socat => socat.From.Keyword == "UNIX-LISTEN").ToList();
        var alone = servers.ToList();
        foreach (SocatCommand outer in socats.Except(servers))
        {
            SocatCommand? server = servers.Find(one => outer.To.Keyword == "UNIX" && one.From.Rest == outer.To.Rest);
            alone.RemoveAll(one => one == server);
            drafts.Add(OfSocat(outer, server));
        }
        drafts.AddRange(alone.Select(server => OfSocat(null, server)));
        var names = new HashSet<string>(StringComparer.Ordinal);
        return [.. drafts.Select(draft => draft with { Name = BridgeDraft.NameFrom(draft.Name.Split(':', '/')[^1], names) })];
    }

    /// <param name="outer">Awaits the clients; null for a server alone.</param>
    /// <param name="server">Listens at the UNIX socket; null if there is none.</param>
    private BridgeDraft OfSocat(SocatCommand? outer, SocatCommand? server)
    {
        SocatCommand last = server ?? outer!;
        NoteRest(outer, outer?.From, "bind", "range", "max-children");
        NoteRest(outer, outer?.To);
        NoteRest(server, server?.From, "mode", "perm", "group", "max-children");
        NoteRest(server, server?.To);
        var draft = new BridgeDraft(
            "", outer is null ? null : [ListenOf(outer)], null, null, outer?.From.IsUdp == true ? BridgeProtocol.Udp : BridgeProtocol.Tcp,
            outer is null ? last.From.Rest : null)
        {
            ListenNamespace = outer is null ? null : ListenPlace(outer.Origin, PlaceOf(outer, outer.From)),
            AllowFrom = outer?.From["range"] is { } range ? [range] : null,
            MaxConnections = outer?.From["max-children"] ?? server?.From["max-children"],
            SocketMode = (server?.From["mode"] ?? server?.From["perm"])?.TrimStart('0').PadLeft(4, '0'),
            SocketGroup = server?.From["group"],
        };
        if (last.To.Keyword is "EXEC" or "SYSTEM")
        {
            last = ImportSource.Find(last.Origin, last.To.Rest, last.Place) is [{ Program: "socat" } inner]
                && SocatCommand.Parse(inner) is { From.Keyword: "STDIO" } command
                    ? command
                    : throw Refused(last.Origin, $"'{last.To.Rest}' is not a socat that begins with STDIO");
            NoteRest(last, last.To);
        }
        bool isHalf = last == outer && last.To.Keyword == "UNIX";
        if (isHalf ? last.From.IsUdp : last.To.IsUdp != (draft.Protocol == BridgeProtocol.Udp))
            throw Refused(last.Origin, $"datagrams do not become a stream: {(outer ?? last).From.Keyword} and {last.To.Keyword} differ");
        if (isHalf)
            return draft with { Name = Path.GetFileNameWithoutExtension(last.To.Rest), Socket = last.To.Rest };
        string place = TargetPlace(last.Origin, PlaceOf(last, last.To));
        string target = last.To.Keyword switch
        {
            "UNIX" => $"unix:{last.To.Rest}",
            "TCP" or "TCP4" or "TCP6" or "UDP" or "UDP4" or "UDP6" => Endpoint(last.Origin, last.To.Rest),
            var other => throw Refused(last.Origin, $"{other} is not converted; a bridge connects to TCP, UDP and UNIX sockets"),
        };
        string name = draft.Socket is { } file ? Path.GetFileNameWithoutExtension(file) : place;
        return draft with { Name = name, Namespace = place, Target = target };
    }

    /// <summary>Takes the unit that starts the service out of <paramref name="sockets"/>.</summary>
    private BridgeDraft OfProxy(ImportSource service, FoundCommand proxy, List<ImportSource> sockets)
    {
        const string most = "--connections-max=";
        ImportSource socket = sockets.Find(one => ServiceOf(one) == service.Name)
            ?? throw Refused(proxy.Origin, $"the socket unit is missing; give {Path.ChangeExtension(service.Name, ".socket")} too");
        sockets.Remove(socket);
        ILookup<bool, string> words = proxy.Arguments.ToLookup(word => word is ['-', ..]);
        string? limit = words[true].FirstOrDefault(option => option.StartsWith(most, StringComparison.Ordinal));
        _notes.AddRange(words[true].Where(option => option != limit).Select(option => Left(proxy.Origin, option)));
        _notes.AddRange(socket.Lines.SkipWhile(line => line.Text != "[Socket]").TakeWhile(line => line.Text != "[Install]")
            .Where(line => line.Text.Contains('=', StringComparison.Ordinal) && !s_implied.Contains(line.Text.Split('=')[0].TrimEnd()))
            .Concat(service.Lines.Where(line => line.Text.StartsWith("IPAddress", StringComparison.Ordinal)))
            .Select(line => Left(line.Origin, line.Text)));
        if (words[false].ToArray() is not [var target])
            throw Refused(proxy.Origin, "systemd-socket-proxyd takes one target; write options as --name=value");
        List<SourceLine> streams = socket.Values("ListenStream");
        string? path = streams.Find(stream => stream.Text is ['/', ..])?.Text;
        bool isIPv6Only = socket.Value("BindIPv6Only") == "ipv6-only";
        ValueList<string> listen = [.. streams.Where(stream => stream.Text != path).Select(stream => ListenOf(stream, isIPv6Only))];
        if (streams.Count == 0)
            throw Refused(socket.Name, "it has no ListenStream=");
        return new BridgeDraft(
            Path.GetFileNameWithoutExtension(service.Name), listen.Count == 0 ? null : listen, TargetPlace(proxy.Origin, proxy.Place),
            target is ['/' or '@', ..] ? $"unix:{target}" : Endpoint(proxy.Origin, target), Socket: path)
        {
            ListenNamespace = ListenPlace(socket.Name, NetworkPlace.OfUnit(socket)),
            MaxConnections = limit?[most.Length..],
            // systemd's default differs from the daemon's.
            SocketMode = path is null ? null : (socket.Value("SocketMode") ?? "0666").PadLeft(4, '0'),
            SocketGroup = path is null ? null : socket.Value("SocketGroup"),
        };
    }

    private static string ServiceOf(ImportSource socket) => socket.Value("Service") ?? Path.ChangeExtension(socket.Name, ".service");

    /// <summary>A port alone, and <c>[::]</c>, is every address of both families by default (systemd.socket(5)).</summary>
    private static string ListenOf(SourceLine stream, bool isIPv6Only)
    {
        string endpoint = Endpoint(stream.Origin, stream.Text.All(char.IsAsciiDigit) ? $"[::]:{stream.Text}" : stream.Text);
        return !isIPv6Only && endpoint.StartsWith("[::]:", StringComparison.Ordinal) ? $"*{endpoint[4..]}" : endpoint;
    }

    private static string ListenOf(SocatCommand outer)
    {
        string bind = outer.From["bind"] ?? (outer.From.Keyword.Contains('6', StringComparison.Ordinal) ? "[::]" : "0.0.0.0");
        return outer.From.Keyword is "TCP-LISTEN" or "TCP4-LISTEN" or "TCP6-LISTEN" or "UDP-LISTEN" or "UDP4-LISTEN" or "UDP6-LISTEN"
            ? Endpoint(outer.Origin, $"{(bind == "localhost" ? "127.0.0.1" : bind)}:{outer.From.Rest}")
            : throw Refused(outer.Origin, $"{outer.From.Keyword} is not converted; a bridge listens on TCP, UDP and UNIX sockets");
    }

    /// <summary>An address and port as in the configuration; without a port it is 80, as with systemd-socket-proxyd.</summary>
    private static string Endpoint(string origin, string text)
    {
        int colon = text.LastIndexOf(':');
        (string host, string port) = colon < 0 ? (text, "80") : (text[..colon].Trim('[', ']'), text[(colon + 1)..]);
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) || number == 0)
            throw Refused(origin, $"port '{port}' is not a number; names of services are not looked up");
        if (host != "localhost" && !AddressLiteral.TryParse(host, out AddressLiteral _))
            throw Refused(origin, $"'{host}' is not an address, and names are not looked up: the query would leave the namespace");
        return host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{number}" : $"{host}:{number}";
    }

    /// <summary>A listener is on the host unless something around its command concerns the network.</summary>
    private string? ListenPlace(string origin, NetworkPlace place) => place.Unread is null
        ? Hinted(origin, place.Namespace)
        : throw Refused(origin, $"the namespace of the listener cannot be read from '{place.Unread}'; write 'ip netns exec NAME socat …'");

    /// <summary>What starts a command decides where it runs: a target without a namespace is not taken to be on the host.</summary>
    private string TargetPlace(string origin, NetworkPlace place) => Hinted(origin, place.Namespace) ?? targetNamespace ?? throw Refused(
        origin, $"the namespace of the target {(place.Unread is null ? "is not named" : $"cannot be read from '{place.Unread}'")}; "
            + "write 'ip netns exec NAME socat …', or give --namespace NAME ('host' for the host's network)");

    private string? Hinted(string origin, string? place)
    {
        if (place is ['p', 'i', 'd', ':', ..] or ['/', 'p', 'r', 'o', 'c', '/', ..])
            _notes.Add($"{origin}: '{place}' is lost when the process restarts; 'unit:NAME.service' and 'container:NAME' are followed");
        return place;
    }

    private static NetworkPlace PlaceOf(SocatCommand command, SocatAddress address) =>
        address["netns"] is { } name ? NetworkPlace.Named(name) : command.Place;

    private static string Left(string origin, string option) => $"{origin}: option '{option}' is not converted";

    private void NoteRest(SocatCommand? command, SocatAddress? address, params ReadOnlySpan<string> converted)
    {
        _notes.AddRange((command?.Flags ?? []).Select(flag => Left(command!.Origin, flag)));
        foreach ((string name, string value) in address?.Options ?? [])
        {
            if (!s_implied.Contains(name) && !converted.Contains(name))
                _notes.Add(Left(command!.Origin, value.Length > 0 ? $"{name}={value}" : name));
        }
    }
}
